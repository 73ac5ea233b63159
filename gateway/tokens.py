"""The bearer tokens of the doors: as configured, else made once and kept in the state folder."""

import logging
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from gateway.sources import SOURCES
from models.errors import GiveUpError

logger = logging.getLogger(__name__)

_OWNER_ONLY = 0o600
_OWNER_ONLY_FOLDER = 0o700
_BYTES = 32


def door_tokens(given: Mapping[str, str], state_dir: Path) -> dict[str, str]:
    """The token of each source.

    Args:
        given: tokens by source, as configured; for the others one is kept in ``STATE/tokens/SOURCE``.
        state_dir: made if it is not there.

    Raises:
        GiveUpError: a token cannot be used, or its file cannot be read or written.
    """
    unknown = sorted(set(given) - {source.name for source in SOURCES})
    if unknown:
        known = ", ".join(source.name for source in SOURCES)
        raise GiveUpError(f"there is no source {unknown[0]!r} to give a token to: there are {known}")
    return {
        source.name: _usable(given[source.name], f"the token of {source.name}")
        if source.name in given
        else _kept(token_file(state_dir, source.name))
        for source in SOURCES
    }


def token_file(state_dir: Path, source: str) -> Path:
    """Where the token of a source is kept."""
    return state_dir / "tokens" / source


def _kept(file: Path) -> str:
    try:
        file.parent.mkdir(mode=_OWNER_ONLY_FOLDER, parents=True, exist_ok=True)
        if not file.exists():
            _make(file)
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            logger.warning("%s can be read by others: chmod 600 it, and make a new token by removing it", file)
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GiveUpError(f"the token in {str(file)!r} cannot be read or made: {error}") from error
    return _usable(text.strip(), f"the token in {str(file)!r}")


def _make(file: Path) -> None:
    """Write it whole under another name, then give it its own: of two processes, both use the first one's."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        file.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _usable(token: str, what: str) -> str:
    if not token or not all("!" <= character <= "~" for character in token):
        raise GiveUpError(f"{what} is empty or has characters that no HTTP header can carry: use letters and digits")
    return token

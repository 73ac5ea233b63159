import logging
import stat
from pathlib import Path

import pytest

from gateway.tokens import _make, door_tokens, token_file
from models.errors import GiveUpError


def test_made_once(tmp_path: Path) -> None:
    """Tokens are made for every source, differ, are long, and stay the same."""
    first = door_tokens({}, tmp_path / "state")

    assert set(first) == {"alertmanager", "generic"}
    assert len(set(first.values())) == 2
    assert min(map(len, first.values())) >= 40
    assert door_tokens({}, tmp_path / "state") == first


def test_owner_only(tmp_path: Path) -> None:
    """Nobody but the owner can read them, and no draft is left behind."""
    door_tokens({}, tmp_path)

    folder = tmp_path / "tokens"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {
        "alertmanager": 0o600,
        "generic": 0o600,
    }


def test_configured(tmp_path: Path) -> None:
    """A token of the settings is used as it is, and no file is made for it."""
    tokens = door_tokens({"generic": "s3cret"}, tmp_path)

    assert tokens["generic"] == "s3cret"
    assert not token_file(tmp_path, "generic").exists()


def test_written_by_hand(tmp_path: Path) -> None:
    """A token that a person put into the file is used without its line end."""
    file = token_file(tmp_path, "generic")
    file.parent.mkdir()
    file.write_text("by-hand\n")
    file.chmod(0o600)

    assert door_tokens({}, tmp_path)["generic"] == "by-hand"


@pytest.mark.parametrize("token", ["", "with space", "é", "a\nb"])
def test_unusable(tmp_path: Path, token: str) -> None:
    """A token that no header can carry is refused, from settings and from a file."""
    file = token_file(tmp_path / "kept", "alertmanager")
    file.parent.mkdir(parents=True)
    file.write_text(token)
    with pytest.raises(GiveUpError, match="kept/tokens/alertmanager"):
        door_tokens({}, tmp_path / "kept")
    with pytest.raises(GiveUpError, match="the token of generic"):
        door_tokens({"generic": token}, tmp_path)


def test_unknown_source(tmp_path: Path) -> None:
    """A token for a source that does not exist is a mistake."""
    with pytest.raises(GiveUpError, match="no source 'nagios'"):
        door_tokens({"nagios": "x"}, tmp_path)


def test_readable_by_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token that others can read is used, and said to be unsafe."""
    door_tokens({}, tmp_path)
    token_file(tmp_path, "generic").chmod(0o644)

    with caplog.at_level(logging.WARNING, logger="gateway.tokens"):
        door_tokens({}, tmp_path)

    assert "can be read by others" in caplog.text


def test_no_place(tmp_path: Path) -> None:
    """Where no file can be made the error says which."""
    (tmp_path / "tokens").write_text("a file, not a folder")

    with pytest.raises(GiveUpError, match="tokens/alertmanager"):
        door_tokens({}, tmp_path)


def test_lost_race(tmp_path: Path) -> None:
    """Of two processes that start at the same moment, the later one takes over the token of the first."""
    file = token_file(tmp_path, "generic")
    first = door_tokens({}, tmp_path)["generic"]

    _make(file)

    assert file.read_text().strip() == first
    assert sorted(entry.name for entry in file.parent.iterdir()) == ["alertmanager", "generic"]

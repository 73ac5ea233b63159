"""The shell scripts that run on hosts. They are constant: what differs reaches them as positional parameters."""

from pathlib import Path


def script(*names: str) -> str:
    """The text of these scripts, one after the other."""
    folder = Path(__file__).parent
    return "\n".join((folder / f"{name}.sh").read_text(encoding="utf-8") for name in names)

"""A service whose every change can be counted."""

from pathlib import Path

from models.host import Host
from models.target import Commands, Releases, Scaling, Service


def counted_folder(folder: Path) -> Path:
    """A service's folder with three releases, the newest live, each with a blank in its name."""
    for name in ("v 8", "v 9", "v 10"):
        (folder / "releases" / name).mkdir(parents=True)
        (folder / "releases" / name / "version").write_text(name)
    (folder / "releases" / "newest").symlink_to("v 8")
    (folder / "releases" / "notes.txt").touch()
    (folder / "current").symlink_to("releases/v 10")
    (folder / "instances").write_text("2\n")
    return folder


def counted_service(host: Host, folder: Path) -> Service:
    """A service whose every restart, reload and scaling can be counted."""
    log = str(folder / "log")
    return Service(
        name="web",
        host=host,
        commands=Commands(
            status=("test", "-e", str(folder / "up")),
            restart=(
                "sh",
                "-c",
                'echo "restart $(cat "$2/current/version")" >>"$1"; touch "$2/up"',
                "sh",
                log,
                str(folder),
            ),
            reload=("sh", "-c", 'echo reload >>"$1"', "sh", log),
            reload_undo=("sh", "-c", 'echo undone >>"$1"', "sh", log),
        ),
        releases=Releases(directory=str(folder / "releases"), current=str(folder / "current")),
        scaling=Scaling(
            read=("cat", str(folder / "instances")),
            set=("sh", "-c", 'echo "$1" >"$2/instances"; echo "scale $1" >>"$2/log"', "sh", "{count}", str(folder)),
            max=4,
        ),
    )


def logged(folder: Path) -> list[str]:
    """What was done, in order."""
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []

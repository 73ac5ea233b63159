"""The runbooks that a command knows: ours, and the user's own."""

from models.errors import SelfhealError
from models.runbook_info import RunbookInfo
from runbooks.catalog import AnyRunbook, all_runbooks, catalog
from worker.cli.running import fail
from worker.settings import Settings


def known_runbooks(settings: Settings) -> tuple[dict[str, RunbookInfo], dict[str, AnyRunbook]]:
    """What policies know of them, and their classes; both by name, in the order of registration.

    Raises:
        typer.Exit: a path holds none, or two are in each other's way; what and which was said.
    """
    try:
        classes = all_runbooks(settings.runbooks)
        infos = catalog(classes)
    except SelfhealError as error:
        raise fail(error.message) from error
    return infos, dict(zip(infos, classes, strict=True))

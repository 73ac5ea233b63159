"""Records the histories anew, on a Temporal server of its own that is gone afterwards.

    python -m tests.histories.record            all of them
    python -m tests.histories.record loop-heals guard-refuses

Record a history when a scene is new. Record one anew only when no execution that was started with the older code can
still be open: a history that does not replay any more is what these tests are there to find, and the remedy is
`workflow.patched` or a deployment with versions, not another recording.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Mapping

from temporalio.client import WorkflowHandle

from tests.histories import guard_scenes, loop_scenes, runbook_scenes
from tests.histories.keeping import RECORDED, kept
from tests.histories.studio import Scene, Studio, studio

SCENES: dict[str, Scene] = {
    f"{group}-{scene.__name__.replace('_', '-')}": scene
    for group, scenes in (
        ("loop", loop_scenes.SCENES),
        ("guard", guard_scenes.SCENES),
        ("runbook", runbook_scenes.SCENES),
    )
    for scene in scenes
}


async def record(names: list[str]) -> None:
    """Play these scenes and keep their histories."""
    RECORDED.mkdir(exist_ok=True)
    async with studio() as opened:
        for name in names:
            sys.stdout.write(f"{name}\n")
            await _record(opened, name)


async def _record(opened: Studio, name: str) -> None:
    played = await SCENES[name](opened)
    runs: Mapping[str, WorkflowHandle] = played if isinstance(played, Mapping) else {"": played}  # type: ignore[type-arg]
    for run, handle in runs.items():
        file = RECORDED / f"{name}{run and f'-{run}'}.json"
        file.write_text(kept(await handle.fetch_history()), encoding="utf-8")


def main() -> None:
    """Record what the command line names, else everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENES))
    names = parser.parse_args().names or list(SCENES)
    if unknown := [name for name in names if name not in SCENES]:
        parser.error(f"no scene is named {unknown[0]!r}; there are {', '.join(SCENES)}")
    logging.getLogger("temporalio.activity").setLevel(logging.CRITICAL)  # scenes fail on purpose
    asyncio.run(record(names))


if __name__ == "__main__":
    main()

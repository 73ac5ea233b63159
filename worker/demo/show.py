"""The demonstration as a person sees it."""

import asyncio
import shutil
import sys
from contextlib import AsyncExitStack

from rich.console import Console
from rich.table import Table
from temporalio.client import Client

from models.decision import ApprovalRequest
from worker.demo.scenes import SCENES, Played, Player
from worker.demo.stage import free_port, stage
from worker.plugin import selfheal_plugin
from worker.process import embedded_server
from worker.settings import Settings


class Terminal:
    """Tells the story on a console, and asks at the prompt if a person sits there."""

    def __init__(self, console: Console, *, person: bool) -> None:
        self._console = console
        self._person = person

    def tell(self, text: str, *, weak: bool = False) -> None:
        """Show one line."""
        self._console.print(text, style="dim" if weak else "bold" if text.startswith("Scene") else "", markup=False)

    async def ask(self, request: ApprovalRequest) -> bool:
        """Ask at the prompt; without a person the demonstration says yes."""
        self.tell(f"  approval request {request.id}: {request.proposal.summary} Risk: {request.proposal.risk}.")
        if not self._person:
            self.tell("  nobody is at the terminal: the demo approves")
            return True
        answer = await asyncio.to_thread(self._console.input, "  Approve? \\[Y/n] ")
        return answer.strip().lower() in {"", "y", "yes"}


async def show(settings: Settings, *, json: bool = False) -> bool:
    """Play the scenes. True if each ended as told.

    Args:
        settings: the state folder; ports are chosen free, so that it plays beside a running `selfheal up`.
        json: print the result as JSON on stdout, and the story on stderr.
    """
    console = Console(stderr=json, highlight=False)
    person = sys.stdin.isatty() and console.is_terminal
    folder = settings.state_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    async with AsyncExitStack() as stack:
        here = settings.model_copy(update={"state_dir": folder, "temporal_port": free_port(), "ui_port": free_port()})
        server = await stack.enter_async_context(embedded_server(here))
        console.print(f"Temporal UI: {server.ui_url}", markup=False)
        client = await Client.connect(server.address, namespace=server.namespace, plugins=[selfheal_plugin()])
        played = []
        set_up = await stack.enter_async_context(stage(folder, server.address))
        player = Player(set_up, client, Terminal(console, person=person))
        for number, scene in enumerate(SCENES, 1):
            played.append(await player.play(number, scene))
        _table(console, played)
        console.print(f"Each execution reads like its runbook: {server.ui_url}/namespaces/{server.namespace}/workflows")
        if json:
            Console(highlight=False).print_json(data=[vars(scene) for scene in played])
        if person:
            await asyncio.to_thread(console.input, "Look around; press Enter to stop everything. ")
    return all(scene.as_told for scene in played)


def _table(console: Console, played: list[Played]) -> None:
    table = Table("", "Scene", "Outcome", "What the service itself says", "Took")
    for number, scene in enumerate(played, 1):
        mark = f"{number} {'✓' if scene.as_told else '✗'}"
        table.add_row(mark, scene.title, scene.ending, scene.proof, f"{scene.took:.1f}s")
    console.print(table)

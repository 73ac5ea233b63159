"""The four scenes, and the proof of each: what the service itself says afterwards."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from temporalio.client import Client, WorkflowHandle

from models.decision import ApprovalRequest, Decided, Decision
from models.outcome import Ending, Outcome, Progress
from worker.demo.stage import Copy, Stage

_SCENE_WITHIN = 120.0
_LOOK_EVERY = 0.2


class Teller(Protocol):
    """Shows what happens, and asks the person, if there is one."""

    def tell(self, text: str, *, weak: bool = False) -> None:
        """Show one line."""

    async def ask(self, request: ApprovalRequest) -> bool:
        """Whether the person approves."""


@dataclass(frozen=True)
class Played:
    """How a scene ended.

    Attributes:
        proof: what the service itself says.
        as_told: whether that is what the scene promised.
    """

    title: str
    ending: str
    proof: str
    as_told: bool
    took: float


@dataclass(frozen=True)
class Scene:
    """One scene: its title, and what is done in it."""

    title: str
    play: Callable[["Player"], Awaitable[tuple[Outcome, str, bool]]]


class Player:
    """Plays scenes on a stage."""

    def __init__(self, stage: Stage, client: Client, teller: Teller) -> None:
        self.stage = stage
        self.client = client
        self.teller = teller

    async def play(self, number: int, scene: Scene) -> Played:
        """Play one scene to its end; a scene that takes too long or fails is not as told."""
        self.teller.tell(f"Scene {number}: {scene.title}")
        began = asyncio.get_running_loop().time()
        try:
            outcome, proof, as_told = await asyncio.wait_for(scene.play(self), _SCENE_WITHIN)
            ending = outcome.ending.value
        except TimeoutError:
            ending, proof, as_told = "-", f"not over after {_SCENE_WITHIN:g}s", False
        took = asyncio.get_running_loop().time() - began
        self.teller.tell(f"  {'as told' if as_told else 'NOT AS TOLD'}: {proof}")
        return Played(scene.title, ending, proof, as_told, took)

    async def execution(self, copy: Copy) -> WorkflowHandle[Any, Outcome]:
        """The execution on a copy of the service, once there is one."""
        target = f"service:local/{copy.name}"
        while True:
            async for found in self.client.list_workflows(f'Target = "{target}"', limit=1):
                return self.client.get_workflow_handle(found.id, result_type=Outcome)
            await asyncio.sleep(_LOOK_EVERY)

    async def follow(
        self, copy: Copy, on_news: Callable[[Progress, WorkflowHandle[Any, Outcome]], Awaitable[None]] | None = None
    ) -> Outcome:
        """Tell an execution's story as it goes, to its end."""
        handle, told = await self.execution(copy), 0
        result = asyncio.create_task(handle.result())
        while True:
            over = result.done()
            progress = await self._progress(handle)
            if progress:
                for entry in progress.story[told:]:
                    self.teller.tell(f"  {entry.at.astimezone():%H:%M:%S}  {entry.text}", weak=True)
                told = max(told, len(progress.story))
                if on_news and not over:
                    await on_news(progress, handle)
            if over:
                return await result
            await asyncio.wait({result}, timeout=_LOOK_EVERY)

    async def _progress(self, handle: WorkflowHandle[Any, Outcome]) -> Progress | None:
        try:
            return await asyncio.wait_for(handle.query("progress", result_type=Progress), 2)
        except Exception:  # noqa: BLE001 - no worker answers while there is none, as in the last scene
            return None


async def hangs(player: Player) -> tuple[Outcome, str, bool]:
    """The process is frozen; a reload does not wake it."""
    copy = player.stage.copies["shop"]
    copy.freeze()
    player.teller.tell("  the process of shop is frozen with SIGSTOP: it listens and never answers")
    outcome = await player.follow(copy)
    status, said = await copy.asks()
    effects = copy.effects()[1:]
    told = ["reload safe", "reload normal", "restart", "started 1.4.0"]
    proof = f"answers {status} ({said}); its log: {', '.join(effects)}"
    return outcome, proof, outcome.ending is Ending.HEALED and status == 200 and effects == told  # noqa: PLR2004


async def bad_release(player: Player) -> tuple[Outcome, str, bool]:
    """Two of five requests fail after a deployment."""
    copy = player.stage.copies["cart"]
    copy.release("1.5.0")
    player.teller.tell("  cart 1.5.0 is deployed; 40 % of its requests fail; the monitoring system sends HighErrorRate")
    await player.stage.alert("HighErrorRate", "cart")
    outcome = await player.follow(copy)
    answers = [await copy.asks("/buy") for _ in range(20)]
    failed, said = sum(status != 200 for status, _ in answers), answers[-1][1]  # noqa: PLR2004
    proof = f"{failed} of 20 requests fail; release {said.split()[0] if said else '?'} is live"
    return outcome, proof, outcome.ending is Ending.HEALED and failed == 0 and said.startswith("1.4.0 ")


async def asks_first(player: Player) -> tuple[Outcome, str, bool]:
    """The process dies, and the policy wants a person to approve."""
    copy, answers = player.stage.copies["mail"], dict[str, bool]()
    pid = copy.shop.pid()
    if pid:
        os.kill(pid, signal.SIGKILL)
    player.teller.tell("  the process of mail is killed; its policy says approve")

    async def answer(progress: Progress, handle: WorkflowHandle[Any, Outcome]) -> None:
        request = progress.request
        if request and request.id not in answers:
            before = copy.effects()
            yes = await player.teller.ask(request)
            answers[request.id] = yes and copy.effects() == before
            decision = Decision(request=request.id, approved=yes, by="you", reason="answered in the demo")
            await handle.execute_update("decide", decision, result_type=Decided)

    outcome = await player.follow(copy, answer)
    status, said = await copy.asks()
    effects = copy.effects()[1:]
    if outcome.ending is Ending.REJECTED:
        return outcome, f"you rejected it; its log: {', '.join(effects) or 'nothing was done'}", effects == []
    proof = f"answers {status} ({said}); nothing was done before the approval"
    as_told = outcome.ending is Ending.HEALED and status == 200 and list(answers.values()) == [True]  # noqa: PLR2004
    return outcome, proof, as_told and effects == ["restart", "started 1.4.0"]


async def killed(player: Player) -> tuple[Outcome, str, bool]:
    """The worker dies in the middle of a restart."""
    copy, stage = player.stage.copies["search"], player.stage
    (copy.folder / "slow").write_text("3")
    copy.freeze()
    player.teller.tell("  the process of search is frozen; its restart takes 3 s")
    while "restart" not in copy.effects():  # noqa: ASYNC110 - another process writes the log
        await asyncio.sleep(0.05)
    await stage.kill_worker()
    player.teller.tell("  the restart is half done: the worker is killed with -9")
    await asyncio.sleep(1)
    await stage.start_worker()
    player.teller.tell("  a new worker is started")
    outcome = await player.follow(copy)
    status, said = await copy.asks()
    effects = copy.effects()[1:]
    proof = f"answers {status} ({said}); its log has {effects.count('restart')} restart"
    as_told = outcome.ending is Ending.HEALED and status == 200  # noqa: PLR2004
    return outcome, proof, as_told and effects == ["restart", "started 1.4.0"]


SCENES = (
    Scene("a service hangs; reload does not help and is undone; restart heals", hangs),
    Scene("a bad release raises the error rate; it goes back", bad_release),
    Scene("a fix waits for approval", asks_first),
    Scene("the worker is killed with -9 in the middle of a fix", killed),
)

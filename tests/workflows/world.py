"""A hand-written world: machines with buttons, and a log of every button that was pressed."""

import asyncio
from datetime import timedelta

from temporalio import activity

from activities.step import changes, reads
from models.change import Change
from models.errors import GiveUpError, UnknownEffectError
from models.model import Model
from models.target import Service


class Look(Model):
    """How a machine is: ``ok``, ``bad`` or ``unknown``."""

    health: str


class Push(Change):
    """Press a button, or let it go."""

    machine: str
    button: str
    release: bool = False


class Machine:
    """One machine: what cures it, and which buttons do not work."""

    def __init__(self, *, cures: str = "", health: str = "bad") -> None:
        self.health = health
        self.cures = cures
        self.after_cure = "ok"
        self.jams: set[str] = set()
        self.hangs: set[str] = set()
        self.vanishes: set[str] = set()
        self.blind = False


class World:
    """All machines, and what was done to them."""

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self.log: list[str] = []
        self.keys: list[str] = []
        self.reached = asyncio.Event()

    def effects(self, machine: str) -> list[str]:
        """What was done to one machine, in order."""
        return [line.split(" ", 1)[1] for line in self.log if line.startswith(f"{machine} ")]


class WorldActivities:
    """The hands in that world."""

    def __init__(self, world: World) -> None:
        self._world = world

    @reads("look at {name}", timeout=timedelta(seconds=5), within=timedelta(seconds=20))
    async def look(self, service: Service) -> Look:
        """Read a machine's state."""
        machine = self._world.machines[service.name]
        if machine.blind:
            raise GiveUpError(f"{service.name} cannot be seen")
        return Look(health=machine.health)

    @changes("press {button} of {machine}", timeout=timedelta(hours=1), heartbeat=timedelta(seconds=5))
    async def push(self, push: Push) -> None:
        """Press a button."""
        machine = self._world.machines[push.machine]
        name = f"un{push.button}" if push.release else push.button
        if name in machine.jams:
            raise GiveUpError(f"button {name} of {push.machine} is jammed")
        self._world.log.append(f"{push.machine} {name}")
        self._world.keys.append(push.key)
        if name in machine.hangs:
            self._world.reached.set()
            while True:
                activity.heartbeat()
                await asyncio.sleep(0.05)
        if not push.release and machine.cures == push.button:
            machine.health = machine.after_cure
        if name in machine.vanishes:
            raise UnknownEffectError(f"nobody saw how {name} of {push.machine} ended")

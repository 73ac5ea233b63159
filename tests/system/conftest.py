"""Houses on a Temporal server, and copies of the demonstration's service to break."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.ports import free_port
from tests.system.house import House
from tests.system.house import house as open_house
from worker.demo.stage import Copy
from worker.embedded import EmbeddedTemporal

OpenShop = Callable[[str], Copy]


@pytest.fixture
async def house(tmp_path: Path, temporal: EmbeddedTemporal) -> AsyncIterator[House]:
    """A house on the Temporal server that the tests share; nothing in it runs yet."""
    async with open_house(tmp_path / "house", temporal.address) as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[OpenShop]:
    """Opens copies of the demonstration's service, each with two releases, the good one live."""
    with ExitStack() as stack:

        def start(name: str) -> Copy:
            copy = Copy(tmp_path / "shops" / name, free_port())
            copy.folder.mkdir(parents=True)
            stack.callback(copy.shop.stop)
            copy.build()
            return copy

        yield start

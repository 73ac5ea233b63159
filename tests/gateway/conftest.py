from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from models.policy_file import PolicyFile
from tests.gateway.serving import TOKENS, served
from tests.services.ports import free_port


@pytest.fixture(scope="module")
async def gateway() -> AsyncIterator[httpx.AsyncClient]:
    """A gateway without policies: what is good matches nothing, and Temporal is never asked."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    async with served(build_app(Intake(client, PolicyFile(), {}), TOKENS)) as door:
        yield door

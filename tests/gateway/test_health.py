import httpx
from temporalio.client import Client

from activities.intake import Intake
from gateway.app import build_app
from models.policy_file import PolicyFile
from tests.gateway.serving import TOKENS, served
from tests.services.ports import free_port


async def test_health(gateway: httpx.AsyncClient) -> None:
    """The gateway is well while Temporal is away, but not ready, and says why."""
    assert (await gateway.get("/healthz")).json() == {"status": "ok"}
    ready = await gateway.get("/readyz")

    assert ready.status_code == 503
    assert "refused" in ready.json()["detail"]


async def test_own_readiness() -> None:
    """What else must be ready can be given."""
    client = await Client.connect(f"127.0.0.1:{free_port()}", lazy=True)
    reasons = iter(["still starting", None])

    async def ready() -> str | None:
        return next(reasons)

    async with served(build_app(Intake(client, PolicyFile(), {}), TOKENS, ready=ready)) as gateway:
        first, second = await gateway.get("/readyz"), await gateway.get("/readyz")

    assert (first.status_code, first.json()["detail"]) == (503, "Temporal is away: still starting")
    assert second.status_code == 200

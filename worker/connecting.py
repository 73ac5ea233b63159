"""Reaching Temporal: as temporalio.envconfig says, else the embedded server."""

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from worker.plugin import selfheal_plugin
from worker.settings import Settings


def named_server() -> str | None:
    """The address that ``TEMPORAL_ADDRESS`` or the profile of temporalio.envconfig names; None if neither does."""
    return ClientConfig.load_client_connect_config().get("target_host")


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """A client with our plugin.

    Args:
        settings: for the embedded server's port, where no other server is named.
        lazy: do not reach out before the first call.

    Raises:
        RuntimeError: the server cannot be reached (not when lazy).
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", f"127.0.0.1:{settings.temporal_port}")
    return await Client.connect(**config, lazy=lazy, plugins=[selfheal_plugin()])

"""Temporal: the embedded server, and the Java one that skips time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from tests.services.missing import missing
from tests.services.ports import free_port
from worker.embedded import EmbeddedTemporal, cache_dir, find_temporal

SEARCH_ATTRIBUTES = ("Runbook", "Target", "Policy", "Autonomy", "Verdict", "Outcome", "Approval")


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedTemporal]:
    """A Temporal server for this test process: `address`, `namespace`; tests share it, so choose ids of their own."""
    program = await asyncio.to_thread(find_temporal)
    if program is None:
        missing("temporal")
    async with EmbeddedTemporal(
        state_dir=tmp_path_factory.mktemp("temporal"),
        port=free_port(),
        ui_port=None,
        search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, "Keyword"),
        program=program,
    ) as server:
        yield server


@pytest.fixture(scope="session")
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A Temporal server on which days pass in no time.

    Time skips only while a result is awaited through `env.client`, or in `env.sleep`. For another converter or
    a plugin, keep what does that: `Client(**{**env.client.config(), "plugins": [plugin]})`.
    """
    program = cache_dir() / "time-skipping" / "test-server"
    if not program.exists():
        missing("the time-skipping Temporal server")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program),
        test_server_startup_timeout=timedelta(seconds=60),
    ) as env:
        keyword = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(search_attributes=dict.fromkeys(SEARCH_ATTRIBUTES, keyword))
        )
        yield env

"""What a namespace must know before the first execution: its search attributes and how long it keeps history."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode


async def register_search_attributes(client: Client, search_attributes: Mapping[str, str]) -> None:
    """Register on the client's namespace those that it lacks, and wait until they can be used.

    Args:
        client: Connected to the namespace; on a server with authorization it needs admin rights.
        search_attributes: The type of each by its name, in Temporal's words: `Keyword`, `Int`, `Datetime`, …

    Raises:
        RPCError: The server refused, for instance as there is no room for more of a type.
        ValueError: A type is none that Temporal knows.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: _type(kind) for name, kind in search_attributes.items() if name not in listed.custom_attributes}
    if not missing:
        return
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
    )
    # The front end reads namespaces every two seconds or so: until then it calls the new names invalid.
    query = " AND ".join(f"{name} IS NULL" for name in missing)
    while not await _understood(client, query):  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.1)


async def _understood(client: Client, query: str) -> bool:
    try:
        await client.count_workflows(query)
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


async def keep_history(client: Client, retention: timedelta) -> None:
    """Have the namespace keep the history of closed executions for that long; an embedded one starts with a day."""
    duration = Duration()
    duration.FromTimedelta(retention)
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=duration)
        )
    )


def _type(kind: str) -> IndexedValueType.ValueType:
    """The API's number of a type that the command line calls `KeywordList`: INDEXED_VALUE_TYPE_KEYWORD_LIST."""
    name = "".join(f"_{letter}" if letter.isupper() else letter for letter in kind).upper()
    return IndexedValueType.Value(f"INDEXED_VALUE_TYPE{name}")

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import paramiko
import pytest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from tests.services.missing import missing, program
from tests.services.monitoring import StartAlertmanager, StartPrometheus
from tests.services.ports import free_port
from tests.services.process import ServerProcess
from tests.services.ssh import Sshd
from tests.services.waiting import eventually, until
from tests.services.workflows import Wait
from worker.embedded import EmbeddedTemporal

WEEK = 7 * 24 * 3600.0


def _on_target(name: str) -> TypedSearchAttributes:
    return TypedSearchAttributes([SearchAttributePair(SearchAttributeKey.for_keyword("Target"), name)])


async def test_temporal_finds_an_execution_by_its_target(temporal: EmbeddedTemporal) -> None:
    """The shared server runs a workflow, and its search attributes are registered."""
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    name = f"services-{uuid4()}"

    async with Worker(client, task_queue=name, workflows=[Wait]):
        execution = await client.start_workflow(
            Wait.run, WEEK, id=name, task_queue=name, search_attributes=_on_target(name)
        )
        assert await eventually(
            lambda: _ids(client, f"Target = '{name}' AND ExecutionStatus = 'Running'"),
        ) == [name]
        await execution.signal(Wait.release)
        assert await execution.result() == "released"


async def test_a_week_passes_in_seconds(time_skipping: WorkflowEnvironment) -> None:
    """The time-skipping server skips what a workflow waits for, and takes our search attributes."""
    name = f"services-{uuid4()}"
    began = time.monotonic()

    async with Worker(time_skipping.client, task_queue=name, workflows=[Wait]):
        ended = await time_skipping.client.execute_workflow(
            Wait.run, WEEK, id=name, task_queue=name, search_attributes=_on_target(name)
        )

    assert ended == "time passed"
    assert time.monotonic() - began < 60


def test_sshd_runs_a_command(sshd: Sshd) -> None:
    """The SSH server lets its key in, and is known by its host key."""
    with _connection(sshd) as ssh:
        _, output, _ = ssh.exec_command("echo $((6 * 7))")
        assert output.read() == b"42\n"
        assert len(sshd.sessions()) == 1


def test_a_cut_connection_is_lost_and_a_new_one_works(sshd: Sshd) -> None:
    """Cutting ends what is open, and lets new connections in."""
    with _connection(sshd) as ssh:
        sshd.cut()
        transport = ssh.get_transport()
        assert transport is not None
        until(lambda: not transport.is_active())

    with _connection(sshd) as ssh:
        assert ssh.exec_command("echo back")[1].read() == b"back\n"


def test_a_stopped_sshd_refuses_until_it_is_started(sshd: Sshd) -> None:
    """Stopping refuses connections, and starting again keeps the port and the keys."""
    sshd.stop()
    assert sshd.sessions() == []
    with pytest.raises(paramiko.ssh_exception.NoValidConnectionsError), _connection(sshd):
        pass

    sshd.start()
    with _connection(sshd) as ssh:
        assert ssh.exec_command("echo back")[1].read() == b"back\n"


def test_prometheus_scrapes_and_answers_a_query(prometheus: StartPrometheus, tmp_path: Path) -> None:
    """Prometheus is ready, and knows within seconds what its targets tell."""
    port = free_port()
    exporter = str(program("prometheus-node-exporter", "node_exporter"))
    command = [exporter, f"--web.listen-address=127.0.0.1:{port}"]
    up = f'up{{instance="127.0.0.1:{port}"}}'

    with ServerProcess(command, log=tmp_path / "exporter", ready=lambda: True):
        url = prometheus(targets=[f"127.0.0.1:{port}"])
        assert httpx.get(f"{url}/-/ready").status_code == 200
        until(lambda: _query(url, up) == ["1"])
    until(lambda: _query(url, up) == ["0"])


def test_an_alert_goes_all_the_way(prometheus: StartPrometheus, alertmanager: StartAlertmanager) -> None:
    """A rule fires in Prometheus, and Alertmanager posts it to the webhook with the token."""
    with _webhook() as (url, requests):
        rule = {"alert": "AlwaysFiring", "expr": "vector(1)", "labels": {"severity": "page"}}
        prometheus(rules=[rule], alertmanagers=[alertmanager(webhook=url, token="open-sesame")])
        authorization, body = until(lambda: requests[0] if requests else None) or ("", {})

    assert authorization == "Bearer open-sesame"
    assert body["status"] == "firing"
    assert body["alerts"][0]["labels"]["alertname"] == "AlwaysFiring"


def test_chromium_renders_a_page(chromium: Path) -> None:
    """The browser runs a page's script without a screen."""
    page = "data:text/html,<p id=p></p><script>p.textContent = 6 * 7</script>"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]

    shown = subprocess.run([chromium, *flags, page], capture_output=True, text=True, check=True, timeout=60).stdout

    assert '<p id="p">42</p>' in shown


def test_a_missing_server_skips_the_test() -> None:
    """On a developer's machine a test without its server is skipped, with the remedy."""
    with pytest.raises(pytest.skip.Exception, match="no-such-server is not installed: make services"):
        program("no-such-server", env={})


def test_a_missing_server_fails_the_test_in_ci() -> None:
    """Where all servers are promised, a test without its server fails."""
    with pytest.raises(pytest.fail.Exception, match="no-such-server is not installed: make services"):
        missing("no-such-server", env={"SELFHEAL_REQUIRE_SERVICES": "1"})


def test_a_server_that_ends_at_start_shows_its_log(tmp_path: Path) -> None:
    """A server that does not come up is an error with its last words, not a wait."""
    with pytest.raises(RuntimeError, match="ended with 3; its log ends with:\nno such luck"):
        ServerProcess(["/bin/sh", "-c", "echo no such luck; exit 3"], log=tmp_path / "log", ready=lambda: False)


def test_no_two_free_ports_are_the_same() -> None:
    """A port given away is not given again, even before something listens on it."""
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == 20


async def _ids(client: Client, query: str) -> list[str]:
    return [found.id async for found in client.list_workflows(query)]


def _query(url: str, expression: str) -> list[str]:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}).raise_for_status().json()
    return [result["value"][1] for result in answer["data"]["result"]]


@contextmanager
def _connection(sshd: Sshd) -> Iterator[paramiko.SSHClient]:
    with paramiko.SSHClient() as ssh:
        ssh.load_host_keys(str(sshd.known_hosts))
        ssh.connect(sshd.host, sshd.port, sshd.user, key_filename=str(sshd.key), look_for_keys=False)
        yield ssh


@contextmanager
def _webhook() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """An address, and what was posted there: the Authorization header and the body of each request."""
    requests: list[tuple[str, dict[str, Any]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.headers["Authorization"], json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()

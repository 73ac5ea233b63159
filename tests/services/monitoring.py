"""Prometheus and Alertmanager, configured to be quick: what takes minutes takes a second here.

Only the first scrape and the first alert come five seconds after Prometheus starts: so long its discovery waits.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.services.missing import program
from tests.services.ports import free_port
from tests.services.process import ServerProcess, answers


class StartPrometheus(Protocol):
    """What the fixture `prometheus` gives."""

    def __call__(
        self,
        *,
        targets: Sequence[str] = (),
        rules: Sequence[Mapping[str, object]] = (),
        alertmanagers: Sequence[str] = (),
    ) -> str:
        """Start a Prometheus, and give its address.

        Args:
            targets: What it scrapes each second, as `host:port`, under the job `test`.
            rules: Alerting or recording rules as in a rule file, evaluated each second.
            alertmanagers: Where its alerts go, as addresses such as `http://127.0.0.1:9093`.
        """


class StartAlertmanager(Protocol):
    """What the fixture `alertmanager` gives."""

    def __call__(self, *, webhook: str, token: str, group_wait: str = "0s", group_by: Sequence[str] = ("...",)) -> str:
        """Start an Alertmanager, and give its address.

        Args:
            webhook: Where it posts alerts, firing and resolved.
            token: The bearer token it sends along.
            group_wait: How long it collects a group's first alerts.
            group_by: The labels that make a group; `...` for each alert its own.
        """


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[StartPrometheus]:
    """Starts real Prometheus servers that end with the test."""
    binary = program("prometheus")
    with ExitStack() as servers:

        def start(
            *,
            targets: Sequence[str] = (),
            rules: Sequence[Mapping[str, object]] = (),
            alertmanagers: Sequence[str] = (),
        ) -> str:
            port = free_port()
            folder = tmp_path / f"prometheus-{port}"
            folder.mkdir()
            _write(folder / "rules.json", {"groups": [{"name": "test", "rules": rules}]})
            hosts = [address.removeprefix("http://") for address in alertmanagers]
            config = {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": ["rules.json"],
                "scrape_configs": [{"job_name": "test", "static_configs": [{"targets": targets}]}],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": hosts}]}]},
            }
            url = f"http://127.0.0.1:{port}"
            command = [
                str(binary),
                f"--config.file={_write(folder / 'prometheus.json', config)}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--web.enable-lifecycle",
                # It learns of its Alertmanagers five seconds after its start; what fired before is sent again.
                "--rules.alert.resend-delay=1s",
            ]
            servers.enter_context(ServerProcess(command, log=folder / "log", ready=lambda: answers(f"{url}/-/ready")))
            return url

        yield start


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[StartAlertmanager]:
    """Starts real Alertmanagers that end with the test."""
    binary = program("prometheus-alertmanager", "alertmanager")
    with ExitStack() as servers:

        def start(*, webhook: str, token: str, group_wait: str = "0s", group_by: Sequence[str] = ("...",)) -> str:
            port = free_port()
            folder = tmp_path / f"alertmanager-{port}"
            folder.mkdir()
            receiver = {"url": webhook, "http_config": {"authorization": {"credentials": token}}}
            config = {
                "route": {
                    "receiver": "selfheal",
                    "group_by": group_by,
                    "group_wait": group_wait,
                    "group_interval": "1s",
                    "repeat_interval": "1h",
                },
                "receivers": [{"name": "selfheal", "webhook_configs": [receiver]}],
            }
            url = f"http://127.0.0.1:{port}"
            command = [
                str(binary),
                f"--config.file={_write(folder / 'alertmanager.json', config)}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",  # alone
            ]
            servers.enter_context(ServerProcess(command, log=folder / "log", ready=lambda: answers(f"{url}/-/ready")))
            return url

        yield start


def _write(path: Path, config: object) -> Path:
    """Write YAML as its subset that Python speaks by itself."""
    path.write_text(json.dumps(config))
    return path

"""Makes the pictures of the docs anew: a real installation with four real failures, looked at in a real browser.

    python docs/pictures/make.py --selfheal .venv/bin/selfheal --chromium /usr/bin/chromium

It needs Playwright (``pip install playwright``) in the Python that runs it, and nothing of ours but the command
``selfheal``. The installation stands in /srv/shop, because its paths show in the pictures; the folder must not be
there yet, and is removed in the end. Look at every picture before it is kept. No part of CI.
"""

import argparse
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

HERE = Path(__file__).parent
SERVICE = HERE.parents[1] / "worker" / "demo" / "shop.py"
NAMES = ("shop", "cart", "mail", "search")
ENDS = {"shop": "healed", "cart": "healed", "mail": "waiting", "search": "observed"}
COLUMNS = ("Outcome", "Verdict", "Autonomy", "Policy", "Approval")
HIDDEN = ("Run ID", "Type", "Start", "End")
_WITHIN = 120.0
_WIDTH, _HEIGHT = 1400, 900
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")


class Installation:
    """Four copies of the demo's service, a policy file, and ``selfheal up``."""

    def __init__(self, folder: Path, selfheal: str) -> None:
        self.folder = folder
        self._selfheal = selfheal
        self._ports = {name: _free_port() for name in (*NAMES, "gateway", "temporal", "ui")}
        self.ui = f"http://127.0.0.1:{self._ports['ui']}/namespaces/default/workflows"
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("SELFHEAL_", "TEMPORAL_"))}
        self._environment = {
            **ours,
            "SELFHEAL_STATE_DIR": str(folder / "state"),
            "SELFHEAL_POLICIES": str(folder / "policies.yaml"),
            "SELFHEAL_GATEWAY_PORT": str(self._ports["gateway"]),
            "SELFHEAL_TEMPORAL_PORT": str(self._ports["temporal"]),
            "SELFHEAL_UI_PORT": str(self._ports["ui"]),
        }

    def build(self) -> None:
        """Lay out the folder and start the services."""
        shutil.copy(SERVICE, self.folder / "service.py")
        for name in NAMES:
            for release, errors in (("1.4.0", "0"), ("1.5.0", "0.4")):
                (self.folder / name / "releases" / release).mkdir(parents=True)
                (self.folder / name / "releases" / release / "error_rate").write_text(errors)
            (self.folder / name / "current").symlink_to("releases/1.4.0")
            (self.folder / name / "mode").write_text("normal")
            self.drive(name, "start")
        # JSON is YAML.
        (self.folder / "policies.yaml").write_text(json.dumps(self._policies()))

    def drive(self, name: str, verb: str) -> None:
        """Start or stop a service."""
        command = [sys.executable, *self._command(name, verb)[1:]]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=30)  # noqa: S603 - the demo's service

    def break_all(self) -> None:
        """The shop hangs, the cart has a bad release, mail and search are dead."""
        os.kill(int((self.folder / "shop" / "pid").read_text()), signal.SIGSTOP)
        self.drive("cart", "stop")
        (self.folder / "cart" / "current").unlink()
        (self.folder / "cart" / "current").symlink_to("releases/1.5.0")
        self.drive("cart", "start")
        self.drive("mail", "stop")
        self.drive("search", "stop")

    def alert_all(self) -> None:
        """Tell of each failure, as a monitoring system does."""
        for name in NAMES:
            self.alert("HighErrorRate" if name == "cart" else "ServiceUnhealthy", name)

    def alert(self, alert: str, name: str) -> None:
        """Tell of one failure, with the time at which it began."""
        body = {
            "name": alert,
            "labels": {"service": name, "severity": "page"},
            "annotations": {"summary": f"{name} is not well"},
            "starts_at": datetime.now(UTC).isoformat(),
        }
        token = (self.folder / "state" / "tokens" / "generic").read_text().strip()
        request = Request(
            f"http://127.0.0.1:{self._ports['gateway']}/alerts/generic",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            answer.read()

    def executions(self) -> dict[str, dict[str, Any]]:
        """The execution on each service."""
        listed = json.loads(self.run("executions", "list", "--json"))["executions"]
        return {row["target"].rpartition("/")[2]: row for row in listed}

    def run(self, *arguments: str) -> str:
        """Run a command of ``selfheal``; what it prints."""
        command = [self._selfheal, *arguments]
        return subprocess.run(  # noqa: S603 - our own command
            command, check=True, capture_output=True, text=True, env=self._environment, timeout=60
        ).stdout

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run ``selfheal up`` while the context is open."""
        log = self.folder / "up.log"
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [self._selfheal, "up"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=self.folder,
            )
        try:
            _until(lambda: "try it" in log.read_text(), expected=True)
            yield
        finally:
            process.terminate()
            process.wait(60)

    def _command(self, name: str, verb: str) -> list[str]:
        return ["python3", str(self.folder / "service.py"), str(self.folder / name), str(self._ports[name]), verb]

    def _policies(self) -> dict[str, Any]:
        verbs = {"restart": "restart", "reload": "reload", "reload_undo": "reload-undo", "status": "status"}
        verify = {"within": "6s", "settle": "1s", "every": "1s"}
        services = [
            {
                "name": name,
                "health": {"port": self._ports[name]},
                "watch": False,
                "commands": {verb: self._command(name, word) for verb, word in verbs.items()},
                "releases": {
                    "directory": str(self.folder / name / "releases"),
                    "current": str(self.folder / name / "current"),
                },
                "metrics": {"sample": "/buy", "requests": 50},
            }
            for name in NAMES
        ]
        policies: list[dict[str, Any]] = [
            {"name": "releases", "runbook": "BadRelease", "autonomy": "auto"},
            {
                "name": "mail",
                "runbook": "ServiceUnhealthy",
                "match": {"labels": {"service": "mail"}},
                "approvers": ["ada", "grace"],
            },
            {
                "name": "search",
                "runbook": "ServiceUnhealthy",
                "match": {"labels": {"service": "search"}},
                "autonomy": "observe",
            },
            {"name": "services", "runbook": "ServiceUnhealthy", "autonomy": "auto"},
        ]
        return {"services": services, "policies": [{**policy, "verify": verify} for policy in policies]}


class Camera:
    """A page of the Temporal UI, and pictures of it."""

    def __init__(self, page: Any, ui: str) -> None:  # noqa: ANN401 - Playwright may not be installed
        self.page = page
        self._ui = ui

    def look(self, path: str, text: str) -> None:
        """Open a page and wait until it shows a text."""
        self.page.goto(f"{self._ui}{path}", wait_until="domcontentloaded")
        self.page.get_by_text(text).first.wait_for()
        self._settle()

    def shoot(self, name: str, *, height: int = _HEIGHT, below: str = "") -> None:
        """Take the picture: of the whole window, or of what is below a heading."""
        self.page.set_viewport_size({"width": _WIDTH, "height": height})
        self._settle()
        top = self.page.get_by_text(below).first.bounding_box()["y"] - 6 if below else 0
        clip = {"x": 64 if below else 0, "y": top, "width": _WIDTH - (64 if below else 0), "height": height - top}
        self.page.screenshot(path=HERE / f"{name}.png", clip=clip)
        self.page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})

    def press(self, text: str) -> None:
        """Press what bears this text and can be seen."""
        self.page.get_by_text(text).locator("visible=true").first.click()
        self._settle()

    def columns(self) -> None:
        """Choose the columns of the list, as a person does with the gear below it."""
        self.page.get_by_label("Collapse saved views").first.click()
        self.page.get_by_test_id("workflows-summary-table-configuration-button").click()
        for column in HIDDEN:
            self.page.get_by_test_id(f"orderable-list-item-{column}-remove-button").click()
        for column in COLUMNS:
            self.page.get_by_test_id(f"orderable-list-item-{column}-add-button").click()
        self.page.get_by_test_id("drawer-close-button").click()

    def decide(self, decision: dict[str, Any]) -> Any:  # noqa: ANN401 - the button, a thing of Playwright
        """Fill in the update as a person does; the button that sends it."""
        self.press("More Actions")
        self.press("Send an Update")
        form = self.page.locator("[data-testid=update-confirmation-modal][open]")
        form.get_by_test_id("update-select-button").click()
        form.get_by_role("option").first.click()
        form.locator(".cm-content").click()
        self.page.keyboard.insert_text(json.dumps(decision, indent=2))
        self._settle()
        return form.get_by_test_id("confirm-modal-button")

    def _settle(self) -> None:
        self.page.wait_for_timeout(2000)  # frames and animations; the network is never idle


def pictures(camera: Camera, installation: Installation) -> None:
    """Take all pictures, and answer the open request on the way."""
    rows = installation.executions()
    camera.look("?query=" + quote("Policy IS NOT NULL"), "ServiceUnhealthy")
    camera.columns()
    camera.shoot("executions", height=500)
    camera.look(_page(rows["mail"], "user-metadata"), "Current Details")
    camera.shoot("waiting", height=1000)
    camera.look(_page(rows["shop"], "history"), "Event History")
    camera.press("Descending")
    camera.press("Minimized")
    camera.page.mouse.move(0, 0)
    camera.shoot("timeline", height=1500, below="Event History")
    camera.look(_page(rows["shop"], "user-metadata"), "Current Details")
    camera.shoot("healed", height=1120)
    camera.look(_page(rows["shop"], "relationships"), "Child Count")
    camera.shoot("relationships", height=880)
    installation.alert("ServiceDown", "shop")
    camera.look(f"/{quote('target:service:local/shop', safe='')}", "Event History")
    camera.look(camera.page.url.removeprefix(installation.ui).replace("/history", "/user-metadata"), "Current Details")
    camera.shoot("guard", height=760)
    camera.look(_page(rows["mail"], "user-metadata"), "Current Details")
    decision = {"request": rows["mail"]["waits_for"], "approved": True, "by": "ada", "reason": "it is down"}
    submit = camera.decide(decision)
    camera.shoot("update", height=800)
    submit.click()
    _until(lambda: installation.executions()["mail"]["outcome"], "healed")


def _page(row: dict[str, Any], tab: str) -> str:
    return f"/{quote(row['id'], safe='')}/{row['run']}/{tab}"


def main() -> None:
    """Build it all, take the pictures, and clean up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--selfheal", default="selfheal", help="the command; it is looked for on PATH")
    parser.add_argument("--chromium", help="the browser's program; Playwright's own when left out")
    parser.add_argument("--folder", type=Path, default=Path("/srv/shop"), help="made and removed; its path shows")
    given = parser.parse_args()
    playwright = importlib.import_module("playwright.sync_api")
    given.folder.mkdir(parents=True)
    installation = Installation(given.folder, str(Path(shutil.which(given.selfheal) or given.selfheal).resolve()))
    try:
        installation.build()
        with installation.up(), playwright.sync_playwright() as browsers:
            installation.break_all()
            installation.alert_all()
            _until(lambda: {name: _word(row) for name, row in installation.executions().items()}, ENDS)
            browser = browsers.chromium.launch(executable_path=given.chromium, args=list(_QUIET))
            page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
            pictures(Camera(page, installation.ui), installation)
            browser.close()
    finally:
        for name in NAMES:
            installation.drive(name, "stop")
        shutil.rmtree(given.folder)


def _word(row: dict[str, Any]) -> str:
    return "waiting" if row["waits_for"] else row["outcome"] or row["state"]


def _until(read: Callable[[], object], expected: object) -> None:
    deadline = time.monotonic() + _WITHIN
    while (found := read()) != expected:
        if time.monotonic() > deadline:
            sys.exit(f"after {_WITHIN:g} seconds it is {found!r}, not {expected!r}")
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()

import importlib
import inspect
import pkgutil
from collections import Counter

import pytest

import runbooks
from runbooks import RUNBOOKS
from runbooks.catalog import AnyRunbook, catalog, describe
from selfheal import Runbook
from tests.runbooks.impure import LooksAtTheClock
from tests.runbooks.sandbox import load_in_sandbox
from workflows.target import TargetGuard
from workflows.watch import HealthWatch


def defined() -> set[type]:
    """Every runbook that a module of the package defines."""
    modules = [importlib.import_module(f"runbooks.{found.name}") for found in pkgutil.iter_modules(runbooks.__path__)]
    return {
        thing
        for module in modules
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, Runbook) and thing.__module__ == module.__name__
    }


def test_every_runbook_is_registered() -> None:
    """No runbook of the package is forgotten in RUNBOOKS, and none is in it twice."""
    assert set(RUNBOOKS) == defined()
    assert len(RUNBOOKS) == len(set(RUNBOOKS))


async def test_every_workflow_loads_in_the_sandbox() -> None:
    """All that a worker serves can be replayed."""
    await load_in_sandbox([TargetGuard, HealthWatch, *RUNBOOKS])


async def test_the_sandbox_is_on_under_our_plugin() -> None:
    """A runbook that looks at the clock while it is imported is not let in."""
    with pytest.raises(RuntimeError, match=LooksAtTheClock.__name__) as caught:
        await load_in_sandbox([LooksAtTheClock])
    assert "datetime.datetime.now" in str(caught.value.__cause__)


def test_no_two_runbooks_claim_one_alert() -> None:
    """Each alert name leads to one runbook."""
    claims = Counter(alert for runbook in RUNBOOKS for alert in runbook.handles)
    assert [alert for alert, count in claims.items() if count > 1] == []


@pytest.mark.parametrize("runbook", RUNBOOKS)
def test_a_runbook_describes_itself(runbook: AnyRunbook) -> None:
    """Its type is its class's name, its first line says what it is for, and its targets are known."""
    info = describe(runbook)
    assert info.name == runbook.__name__
    assert info.summary.endswith(".")
    assert set(info.targets) <= {"service", "filesystem"} != set()
    assert info.targets


def test_policies_with_actions_find_their_runbook() -> None:
    """What spells out its own actions is run by a runbook that exists."""
    assert "ThresholdCrossed" in catalog(RUNBOOKS)

from typing import Any

import pytest

from models.errors import GiveUpError
from models.verdict import Risk
from runbooks.services import Reload, Restart, ReturnToRelease, Scale
from selfheal import Remediation
from tests.runbooks.fake import FakeDo
from tests.runbooks.services import FULL, UNIT


@pytest.mark.parametrize(
    ("remediation", "done"),
    [
        (
            Reload(service=FULL),
            [("reload_service", {"undo": False}), ("reload_service", {"undo": True})],
        ),
        (Restart(service=FULL), [("restart_service", {})]),
        (
            ReturnToRelease(service=FULL, release="1", release_now="2"),
            [("set_release", {"release": "1"}), ("set_release", {"release": "2"})],
        ),
        (
            Scale(service=FULL, count=5, count_now=3),
            [("scale_service", {"count": 5}), ("scale_service", {"count": 3})],
        ),
    ],
)
async def test_undo_goes_back_to_what_was(remediation: Remediation, done: list[tuple[str, dict[str, Any]]]) -> None:
    """Applying sets an absolute state, undoing the one before, both on the same service."""
    do = FakeDo()
    await remediation.apply(do)
    await remediation.undo(do)
    assert [(name, argument.model_dump(exclude={"service", "key"})) for name, argument in do.done] == done
    assert all(argument.service == FULL for _, argument in do.done)


async def test_a_change_that_fails_is_not_hidden() -> None:
    """What the hands refuse reaches the loop."""
    with pytest.raises(GiveUpError, match="no such unit"):
        await Restart(service=FULL).apply(FakeDo(restart_service=GiveUpError("no such unit")))


@pytest.mark.parametrize(
    ("remediation", "risk", "undoable", "summary"),
    [
        (Reload(service=FULL), Risk.LOW, True, "Reload shop on local."),
        (Reload(service=UNIT), Risk.LOW, False, "Reload shop on local."),
        (Restart(service=FULL), Risk.MEDIUM, False, "Restart shop on local."),
        (
            ReturnToRelease(service=FULL, release="1", release_now="2"),
            Risk.MEDIUM,
            True,
            "Return shop on local from release 2 to 1.",
        ),
        (Scale(service=FULL, count=5, count_now=3), Risk.MEDIUM, True, "Scale shop on local from 3 to 5."),
    ],
)
def test_what_an_approver_reads(remediation: Remediation, risk: Risk, summary: str, *, undoable: bool) -> None:
    """The proposal names from what to what, how risky it is, and whether there is a way back."""
    proposal = remediation.proposal()
    assert (proposal.risk, proposal.undoable, proposal.summary) == (risk, undoable, summary)
    assert proposal.remediation == type(remediation).__name__

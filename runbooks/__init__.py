"""One file for each class of failure. A new runbook is registered here."""

from typing import Any

from temporalio import workflow

from workflows.runbook import Runbook

RUNBOOKS: tuple[type[Runbook[Any, Any]], ...] = ()

if not workflow.unsafe.in_sandbox():
    # An execution imports this package anew, and needs only its own runbook: to import all would double its cost.
    from runbooks.bad_release import BadRelease
    from runbooks.disk_filling import DiskFilling
    from runbooks.service_unhealthy import ServiceUnhealthy
    from runbooks.threshold_crossed import ThresholdCrossed

    RUNBOOKS = (ServiceUnhealthy, BadRelease, DiskFilling, ThresholdCrossed)

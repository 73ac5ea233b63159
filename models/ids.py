"""Workflow ids, built here and nowhere else."""

from datetime import datetime


def guard_id(target_id: str) -> str:
    """The guard of a target."""
    return f"target:{target_id}"


def execution_id(runbook: str, target_id: str, started: datetime) -> str:
    """An execution: which runbook on which target, since when (to the millisecond)."""
    return f"{runbook}:{target_id}:{started:%Y%m%dT%H%M%S}.{started.microsecond // 1000:03d}"


def watch_id(target_id: str) -> str:
    """The watch over a target."""
    return f"watch:{target_id}"


TASK_QUEUE = "selfheal"
"""Where the workers listen."""

GUARD = "TargetGuard"
"""Workflow type of the guard of a target; its signal `alert` takes a case, its query `admission` an alert's key."""

HEALTH_WATCH = "HealthWatch"
"""Workflow type of the watch over a service's health endpoint."""

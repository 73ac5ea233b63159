"""What a runbook is written with.

from selfheal import Case, Facts, Outcome, Remediation, Risk, Runbook, Service, Verdict, workflow
"""

from temporalio import workflow

from activities.hosts.commands import CommandActivities, ReadCommand, RunCommand
from activities.hosts.filesystems import CompressLogs, FilesystemActivities, MoveAside, MoveBack, RestoreLogs
from activities.hosts.services import ReloadService, RestartService, ScaleService, ServiceActivities, SetRelease
from activities.http import HttpActivities, Request
from activities.prometheus import PrometheusActivities
from models.case import Case
from models.model import Declared as Parameters
from models.outcome import Outcome
from models.policy import Verification
from models.record import Record as Facts
from models.target import Filesystem, Service
from models.verdict import Risk, Verdict
from workflows.do import Do
from workflows.remediation import Escalate, Remediation
from workflows.runbook import Runbook

__all__ = [
    "Case",
    "CommandActivities",
    "CompressLogs",
    "Do",
    "Escalate",
    "Facts",
    "Filesystem",
    "FilesystemActivities",
    "HttpActivities",
    "MoveAside",
    "MoveBack",
    "Outcome",
    "Parameters",
    "PrometheusActivities",
    "ReadCommand",
    "ReloadService",
    "Remediation",
    "Request",
    "RestartService",
    "RestoreLogs",
    "Risk",
    "RunCommand",
    "Runbook",
    "ScaleService",
    "Service",
    "ServiceActivities",
    "SetRelease",
    "Verdict",
    "Verification",
    "workflow",
]

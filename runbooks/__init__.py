"""One file for each class of failure. A new runbook is registered here."""

from runbooks.bad_release import BadRelease
from runbooks.disk_filling import DiskFilling
from runbooks.service_unhealthy import ServiceUnhealthy
from runbooks.threshold_crossed import ThresholdCrossed

RUNBOOKS = (ServiceUnhealthy, BadRelease, DiskFilling, ThresholdCrossed)

"""The search attributes by which executions are found in the Temporal UI."""

from temporalio.common import SearchAttributeKey

RUNBOOK = SearchAttributeKey.for_keyword("Runbook")
TARGET = SearchAttributeKey.for_keyword("Target")
POLICY = SearchAttributeKey.for_keyword("Policy")
AUTONOMY = SearchAttributeKey.for_keyword("Autonomy")
VERDICT = SearchAttributeKey.for_keyword("Verdict")
OUTCOME = SearchAttributeKey.for_keyword("Outcome")
APPROVAL = SearchAttributeKey.for_keyword("Approval")

ALL = (RUNBOOK, TARGET, POLICY, AUTONOMY, VERDICT, OUTCOME, APPROVAL)

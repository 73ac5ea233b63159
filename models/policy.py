"""A policy: which alerts start which runbook, with what autonomy and which limits."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from models.alert import Alert
from models.durations import Duration
from models.host import Name
from models.model import Declared
from models.verdict import Autonomy, Risk

Text = Annotated[str, Field(min_length=1, max_length=1024)]
_TEXT = {"type": "string", "minLength": 1, "maxLength": 1024}


def _as_tuple(value: object) -> object:
    if isinstance(value, int | float):
        raise ValueError(f"must be text, not {value!r}: put it in quotes")  # noqa: TRY004 - pydantic wants ValueError
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[
    tuple[Text, ...],
    Field(min_length=1),
    BeforeValidator(_as_tuple),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]
"""One text, or a list of them."""


class Match(Declared):
    """Which alerts a policy is for: all that is given must hold. Values are compared as they stand."""

    alert: OneOrMore | None = None
    source: OneOrMore | None = None
    labels: dict[Text, OneOrMore] = Field(default_factory=dict)

    def covers(self, alert: Alert, names: tuple[str, ...]) -> bool:
        """Whether the alert is meant; `names` are the alert names to accept where the policy gives none."""
        return (
            alert.name in (self.alert or names)
            and (self.source is None or alert.source in self.source)
            and all(alert.labels.get(label) in values for label, values in self.labels.items())
        )


class Trigger(Declared):
    """A condition on a metric. Its alert bears the policy's name or the metric's."""

    metric: Text
    threshold: float
    duration: Duration = Field(default="0s", validate_default=True)


class NoParameters(Declared):
    """For actions that need none."""


class ScaleParameters(Declared):
    """By how many instances, and how far at the most."""

    increment: int = Field(default=1, ge=-1000, le=1000)
    max: int | None = Field(default=None, ge=1)
    min: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.increment == 0:
            raise ValueError("increment is 0: nothing would change")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max})")
        return self


class RestartAction(Declared):
    """Restart the target."""

    type: Literal["restart"]
    parameters: NoParameters = NoParameters()


class ScaleAction(Declared):
    """Change the target's number of instances."""

    type: Literal["scale"]
    parameters: ScaleParameters = ScaleParameters()


class RollbackAction(Declared):
    """Return to the release before."""

    type: Literal["rollback"]
    parameters: NoParameters = NoParameters()


Action = Annotated[RestartAction | ScaleAction | RollbackAction, Field(discriminator="type")]


class Verification(Declared):
    """How long a change has to show that it helped.

    Attributes:
        within: after this long the verdict falls.
        settle: health must hold this long.
        every: time between the first two looks; it grows to six times that while the target is not well.
    """

    within: Duration = Field(default="5m", validate_default=True)
    settle: Duration = Field(default="10s", validate_default=True)
    every: Duration = Field(default="5s", validate_default=True)

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        if self.settle > self.within:
            raise ValueError("settle is longer than within: no change could ever pass")
        if not self.every:
            raise ValueError("every must be more than 0s")
        return self


class Webhook(Declared):
    """Where people are told: a reference, ``env:NAME`` or ``file:/path``, or a plain address that is no secret."""

    webhook: str = Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|https?://.+)$")


class TargetChoice(Declared):
    """Which declared target is meant, where the alert's labels ``service``, ``host`` and the like do not say so."""

    service: Name | None = None
    mount: str | None = None
    host: Name | None = None


class Policy(Declared):
    """One rule of the policy file.

    Attributes:
        autonomy: observe, approve or auto. When left out: auto for a policy that spells out its own actions,
            approve for one that lets a runbook choose.
        max_risk: with auto, what is riskier than this is asked for all the same.
        cooldown: after an execution that did more than find the target well, none starts on it for this long.
        attempts: executions that may change the same target within an hour.
        deadline: an execution ends at the latest after this long.
        approvers: who may decide; empty means anyone who can reach Temporal.
        approve_within: how long a request waits; then it expires and people are told, and nothing is applied.
        parameters: what the runbook lets a policy set.
        notify: where people are told; the file's own notify when left out.
    """

    name: Name
    description: str = ""
    match: Match = Match()
    trigger: Trigger | None = None
    target: TargetChoice = TargetChoice()
    runbook: str | None = None
    actions: tuple[Action, ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    autonomy: Autonomy = Autonomy.APPROVE
    max_risk: Risk = Risk.MEDIUM
    cooldown: Duration = Field(default="10m", validate_default=True)
    attempts: int = Field(default=3, ge=1, le=100)
    deadline: Duration = Field(default="1d", validate_default=True)
    approvers: tuple[Text, ...] = ()
    approve_within: Duration = Field(default="30m", validate_default=True)
    verify: Verification | None = None
    notify: tuple[Webhook, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _autonomy_by_what_is_spelt_out(cls, value: object) -> object:
        if isinstance(value, Mapping) and "autonomy" not in value and value.get("actions"):
            return {**value, "autonomy": Autonomy.AUTO}
        return value

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        if bool(self.runbook) == bool(self.actions):
            raise ValueError(f"policy {self.name!r} needs either runbook or actions")
        if not self.deadline:
            raise ValueError("deadline must be more than 0s")
        return self

    @property
    def starts(self) -> str:
        """The runbook that an alert of this policy starts."""
        return self.runbook or "ThresholdCrossed"

    def covers(self, alert: Alert, handles: tuple[str, ...]) -> bool:
        """Whether this policy is for that alert; `handles` are the alert names its runbook was written for."""
        names = (self.name, self.trigger.metric) if self.trigger else (*handles, self.name)
        return self.match.covers(alert, names)

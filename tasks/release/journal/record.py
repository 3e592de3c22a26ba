"""The journal: everything a release is, in one object that is replaced by compare-and-swap.

``_releases/<model>/current.json`` in the registry's bucket. Whoever holds it in hand knows what was
wanted, what was begun, what is known to have happened, and who may act. It is strict JSON, so that
a person can read it and another process can go on from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from tasks.specs.release import ReleaseSpec
from tasks.specs.serving import ServingSpec
from tasks.values import Frozen, Seal

Phase = Literal[
    "planned",
    "shadow",
    "bring_up",
    "health_check",
    "canary",
    "promoting",
    "watching",
    "retiring",
    "rolling_back",
    "done",
    "rolled_back",
    "mismatch",
]
ENDED: frozenset[Phase] = frozenset({"done", "rolled_back", "mismatch"})
BEFORE_POINTER: frozenset[Phase] = frozenset(
    {"planned", "shadow", "bring_up", "health_check", "canary"}
)
Strategy = Literal["canary", "blue_green", "direct"]
Gate = Literal["before_canary", "before_promotion", "inconclusive"]


class Arm(Frozen):
    """One version on the endpoint, and the names it goes by at SageMaker.

    ``model_data`` is the ``s3://`` address of model.tar.gz, ``program`` what serves it, below its
    ``code/``, ``identity`` the ledger's key; "" when it is not known. ``manifest`` is the one that
    it had when its files were read; None in older journals, and where nobody read them. ``files``
    is the SHA-256 of the list of what model.tar.gz unpacks to, "" of versions without one.
    """

    version: str
    variant: str
    model_name: str
    solo_config: str
    model_data: str = ""
    program: str = ""
    identity: str = ""
    manifest: Seal | None = None
    files: str = ""


class Site(Frozen):
    """What the installation adds to every request, as it was when the release began."""

    role_arn: str
    image: str
    images_by_digest: bool = False
    kms_key_id: str = ""
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    metrics_namespace: str = "Sluice"
    alerts_topic_arn: str = ""
    captures_bucket: str = ""


RECONCILE = "reconcile"
"""Actor of an undoing whose only reason is that the owner fell silent."""


class Intent(Frozen):
    """What its owner was about to do. It stays until the outcome is recorded."""

    action: str
    detail: str
    owner: str
    at: float


class JournalEntry(Frozen):
    """One line of the journal.

    ``at`` is unix time in seconds. What happened again at once is one line: so many ``times``, the
    last of them at ``until``.
    """

    at: float
    actor: str
    kind: Literal["started", "intent", "outcome", "phase", "trouble", "note", "ended"]
    action: str
    detail: str = ""
    times: int = 1
    until: float = 0.0

    def repeats(self, other: JournalEntry) -> bool:
        """Whether this says what another line says, of another moment."""
        mine = (self.actor, self.kind, self.action, self.detail)
        return mine == (other.actor, other.kind, other.action, other.detail)


class Move(Frozen):
    """A change of the shares: begun, known to hold, and the candidate's share since then."""

    begun: float
    settled: float
    share: float


FORMER_ACTIONS: Mapping[str, str] = {
    "wait": "hold",
    "advance": "step",
    "complete": "promote",
    "roll_back": "rollback",
}
"""Words of stored journals that were written before the judge's own, and what they are now."""


class Ruling(Frozen):
    """What the judge says after the newest window; ``action`` is `CanaryVerdict.action`.

    ``against`` and ``proven`` are evidence in powers of ten: that the candidate is worse, and that
    it is not worse (the weakest gate). ``share`` is where the judge wants the candidate's share.
    """

    action: Literal["hold", "step", "promote", "rollback", "inconclusive"]
    reason: str
    against: float = 0.0
    proven: float = 0.0
    share: float = 0.0

    @field_validator("action", mode="before")
    @classmethod
    def _as_now(cls, action: object) -> object:
        return FORMER_ACTIONS.get(action, action) if isinstance(action, str) else action


class ArmFigures(Frozen):
    """What one arm did in one window. Latencies in milliseconds; errors may be unknown."""

    requests: int = 0
    errors: int | None = 0
    latency_p50: float | None = None
    latency_p99: float | None = None


class Point(Frozen):
    """One window as people see it; the window in full is stored beside the journal."""

    at: float
    share: float
    against: float
    proven: float
    candidate: ArmFigures
    stable: ArmFigures


class ApprovalQuestion(Frozen):
    """A question to a person. ``granted`` is None until somebody answers."""

    asked: float
    until: float
    granted: bool | None = None
    by: str = ""
    note: str = ""


class RollbackOrder(Frozen):
    """Somebody's wish to go back; the owner obeys it before anything else."""

    actor: str
    reason: str
    at: float


class Journal(Frozen):
    """One release, or one rollback, of one model.

    A rollback by hand is a journal too: ``kind`` is ``rollback``, ``candidate`` the version that
    has to go and ``stable`` the one that has to serve; it begins in ``rolling_back``.

    ``accepted`` counts updates by configuration, ``rejected`` refusals by phase and act, ``tries``
    how often each act was done in the present phase. ``lease_until`` is the owner's lease on its
    own clock, ``lease_seconds`` how long it runs from the last write on; 0 in older journals, and
    where the owner let go. ``busiest_before`` is what the stable version was asked in the busiest
    hour of the last week, requests per second; None when that is not known.
    """

    schema_version: Literal[1] = 1
    release_id: str
    kind: Literal["release", "rollback"] = "release"
    model: str
    task: str = ""
    endpoint: str
    strategy: Strategy
    actor: str
    reason: str
    candidate: Arm
    stable: Arm | None
    both_config: str
    shadow_config: str
    prediction_edges: tuple[float, ...] = ()
    predictions_judged: bool = False
    latency_edges_ms: tuple[float, ...] = ()
    busiest_before: float | None = None
    instances: int = 1
    site: Site
    serving: ServingSpec
    spec: ReleaseSpec

    started: float
    phase: Phase = "planned"
    phase_since: float
    step: int = -1
    canary_since: float = 0.0

    owner: str
    lease_until: float
    lease_seconds: float = 0.0
    write_id: str = ""
    revision: int = 0
    intent: Intent | None = None

    moves: tuple[Move, ...] = ()
    judged_until: float = 0.0
    judge_state: Any = None
    ruling: Ruling | None = None
    timeline: tuple[Point, ...] = ()

    approvals: Mapping[str, ApprovalQuestion] = Field(default_factory=dict)
    order: RollbackOrder | None = None
    marks: Mapping[str, str] = Field(default_factory=dict)
    accepted: Mapping[str, int] = Field(default_factory=dict)
    rejected: Mapping[str, int] = Field(default_factory=dict)
    tries: Mapping[str, int] = Field(default_factory=dict)
    trouble: int = 0

    verdict: str = ""
    recovery: str = ""
    ended_at: float | None = None
    entries: tuple[JournalEntry, ...] = ()

    @property
    def captures(self) -> bool:
        """Whether mirrored traffic is captured, so that answers can be compared in pairs."""
        return bool(self.shadow_config and self.site.captures_bucket and self.judged_edges)

    @property
    def judged_edges(self) -> tuple[float, ...]:
        """Edges of the prediction bins that both arms count into; none when they differ."""
        return self.prediction_edges if self.predictions_judged else ()

    @property
    def unjudged(self) -> bool:
        """Whether it is undone only because its owner died: nobody judged the candidate worse."""
        return self.kind == "release" and self.order is not None and self.order.actor == RECONCILE

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.phase in ENDED

    @property
    def share(self) -> float:
        """The candidate's share of traffic, as last known."""
        return self.moves[-1].share if self.moves else 0.0

    @property
    def answered(self) -> tuple[int, int]:
        """Requests of the candidate of which it is known whether they failed, and the failed."""
        known = [p.candidate for p in self.timeline if p.candidate.errors is not None]
        return sum(arm.requests for arm in known), sum(arm.errors or 0 for arm in known)

    @property
    def wanted(self) -> float:
        """The share of the present canary step; 0 while only the stable version is measured."""
        return self.spec.ladder[self.step] if self.step >= 0 else 0.0

    @property
    def waiting_for(self) -> Gate | None:
        """The question that a person has not answered yet; none once the release goes back."""
        if self.ended or self.phase == "rolling_back":
            return None
        for gate, approval in self.approvals.items():
            if approval.granted is None:
                return gate  # type: ignore[return-value]
        return None

    def noted(self, entry: JournalEntry, **changes: Any) -> Journal:
        """This journal with one more line and these changes."""
        return self.model_copy(update={"entries": (*self.entries, entry), **changes})


class StepResult(Frozen):
    """What one call of ``advance`` left behind.

    ``wake_in`` is how long to sleep before the next call, in seconds of our clock; ``waiting_for``
    names the question that a person must answer before the release can go on.
    """

    journal: Journal
    did: str
    ended: bool
    wake_in: float = 0.0
    waiting_for: Gate | None = None


class Report(Frozen):
    """What ``reconcile`` found and did about one model."""

    model: str
    state: Literal[
        "nothing",
        "alive",
        "left",
        "waiting",
        "finished",
        "undone",
        "ongoing",
        "frozen",
        "drifted",
        "unreadable",
        "unreachable",
    ]
    detail: str
    release_id: str = ""
    did: tuple[str, ...] = ()

    @property
    def needs_person(self) -> bool:
        """Whether nothing more will be done before somebody looks."""
        return self.state in {"frozen", "drifted", "unreadable", "unreachable"}

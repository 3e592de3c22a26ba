"""What an experiment is: fixed at its start, never changed while it runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError

from tasks.buckets import bucket
from tasks.clock import utc, wall
from tasks.errors import InvalidExperiment
from tasks.values import Frozen, fingerprint

Kind = Literal["proportion", "mean"]
Direction = Literal["increase", "decrease"]
Arm = Literal["treatment", "control"]
ARMS: tuple[Arm, Arm] = ("treatment", "control")
WhenDecided = Literal["tell", "conclude", "release"]
DAY = 86_400.0
HOUR = 3_600.0
BLOCKS = 336
"""Blocks of an experiment's duration: hours in a fortnight."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class SuccessMetric(Frozen):
    """A success metric: what one user does, summed."""

    name: str = Field(
        description="Name in the records: lower-case letters, digits and _.",
        json_schema_extra={"position": 0},
    )
    kind: Kind = Field(
        default="proportion",
        description="proportion: did the user do it at all; mean: how much per user.",
        json_schema_extra={"position": 1},
    )
    direction: Direction = Field(
        default="increase",
        description="Which way is better.",
        json_schema_extra={"position": 2},
    )
    minimal_difference: float = Field(
        description="Smallest difference per user that matters, e.g. 0.01 for one point.",
        json_schema_extra={"position": 3},
    )
    cap: float = Field(
        default=1.0,
        description="Mean only: the most that one user can count for; needed for the guarantee.",
        json_schema_extra={"position": 4},
    )

    @property
    def most(self) -> float:
        """The most that one user counts for."""
        return 1.0 if self.kind == "proportion" else self.cap

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with it, one sentence each."""
        wrong = []
        if not NAME.fullmatch(self.name):
            wrong.append(f"metric name {self.name!r} must be like demo_booked")
        if not self.minimal_difference > 0:  # also true of NaN
            wrong.append(f"{self.name}: minimal_difference {self.minimal_difference:g} must be > 0")
        elif not self.minimal_difference < self.most:
            wrong.append(
                f"{self.name}: minimal_difference {self.minimal_difference:g} must be below "
                f"{self.most:g}, the most that one user counts for"
            )
        if self.kind == "mean" and not 0 < self.cap < float("inf"):
            wrong.append(f"{self.name}: cap {self.cap:g} must be a number above 0")
        return tuple(wrong)


class Experiment(Frozen):
    """A running or ended experiment, as it was asked for.

    ``starts``, ``ends`` are unix seconds; ``percent`` of the users are given the treatment.
    """

    schema_version: Literal[1] = 1
    id: str
    model: str
    control: str
    treatment: str
    percent: int
    salt: str
    starts: float
    ends: float
    window_seconds: float
    metrics: tuple[SuccessMetric, ...]
    alpha: float
    ratio_alpha: float = 0.001
    when_decided: WhenDecided
    actor: str
    run: str = ""
    reason: str

    @property
    def share(self) -> float:
        """Share of users in the treatment."""
        return self.percent / 100

    @property
    def block_seconds(self) -> float:
        """Length of a block of counting."""
        return (self.ends - self.starts) / BLOCKS

    @property
    def metric_alpha(self) -> float:
        """Chance of an error in each metric: α shared among them (Bonferroni)."""
        return self.alpha / len(self.metrics)

    def version_of(self, arm: Arm) -> str:
        """The version that an arm is given."""
        return self.treatment if arm == "treatment" else self.control

    def arm_of(self, user: str) -> Arm:
        """The arm of a user, the same in every language (``tasks.buckets``)."""
        return "treatment" if bucket(user, self.salt) < self.percent else "control"

    def same_as(self, other: Experiment) -> bool:
        """Whether both were asked for by the same run with the same words."""
        own = {"id", "starts", "ends", "salt"}
        return bool(self.run) and self.model_dump(exclude=own) == other.model_dump(exclude=own)


class Assignment(Frozen):
    """``<model>/experiment.json``: what a client needs to know to give each user his version.

    While ``state`` is running and now lies between ``starts`` and ``ends`` (ISO 8601), a user whose
    bucket under ``salt`` is below ``percent`` is given ``treatment``, every other ``control``.
    Otherwise the pointer counts.
    """

    schema_version: Literal[1] = 1
    model: str
    experiment: str
    state: Literal["running", "concluded"]
    control: str
    treatment: str
    percent: int
    salt: str
    starts: str
    ends: str
    winner: str | None = None


def assignment(experiment: Experiment) -> Assignment:
    """What clients are told while the experiment runs."""
    return Assignment(
        model=experiment.model,
        experiment=experiment.id,
        state="running",
        control=experiment.control,
        treatment=experiment.treatment,
        percent=experiment.percent,
        salt=experiment.salt,
        starts=_iso(experiment.starts),
        ends=_iso(experiment.ends),
    )


def plan(
    *,
    model: str,
    control: str,
    treatment: str,
    known: Sequence[str],
    percent: int,
    days: float,
    window_hours: float,
    metrics: Sequence[SuccessMetric | Mapping[str, Any]],
    alpha: float,
    when_decided: WhenDecided,
    actor: str,
    reason: str,
    now: float,
    run: str = "",
    withdrawn: str | None = None,
) -> Experiment:
    """An experiment that may start now.

    Args:
        model: Which model.
        control: Version that is compared with; "" when nothing serves yet.
        treatment: Version that is tried.
        known: Versions in the registry.
        percent: Users in the treatment, 1 to 99.
        days: How long users are counted.
        window_hours: Hours in which what a user does counts, from when he is first heard of.
        metrics: Success metrics, at least one.
        alpha: Chance of a wrong winner, over all looks and all metrics.
        when_decided: What a reading does once the experiment is decided.
        actor: Who starts it.
        reason: Why, in a sentence.
        now: Unix time, seconds.
        run: Id of the flow run, so that its retry is known again.
        withdrawn: Version that the pointer says was taken back; clients give it to nobody.

    Raises:
        InvalidExperiment: something is wrong; every fault is named at once.
    """
    faults = [] if control else ["no control is named, and no version serves yet"]
    faults += [
        f"version {version!r} is not in the registry (known: {', '.join(known[-5:]) or 'none'})"
        for version in dict.fromkeys((control, treatment))
        if version and version not in known
    ]
    faults += [
        f"version {version!r} was rolled back and is given to nobody until another release"
        for version in (control, treatment)
        if version and version == withdrawn
    ]
    if control == treatment:
        faults.append(f"control and treatment are the same version {control!r}")
    if not 0 < percent < 100:  # noqa: PLR2004  percent
        faults.append(f"split {percent} must lie between 1 and 99 percent")
    if not 0 < days <= 365:  # noqa: PLR2004  a year
        faults.append(f"days {days:g} must be above 0 and at most 365")
    if not 0 <= window_hours <= days * 24:
        faults.append(f"window_hours {window_hours:g} must lie between 0 and the duration")
    if not 0 < alpha < 0.5:  # noqa: PLR2004  a coin
        faults.append(f"alpha {alpha:g} must lie between 0 and 0.5")
    parsed, wrong = _metrics(metrics)
    faults += wrong
    if faults:
        raise InvalidExperiment(
            f"{model}: the experiment cannot start: {'; '.join(faults)}.",
            "Correct each of these in the form, then start it again.",
        )
    stamp = utc(wall(now)).strftime("%Y%m%d-%H%M%S")
    words = (model, control, treatment, now, run)
    identity = f"{stamp}-{fingerprint(words)[:6]}"
    return Experiment(
        id=identity,
        model=model,
        control=control,
        treatment=treatment,
        percent=percent,
        salt=f"{model}-{identity}",
        starts=now,
        ends=now + days * DAY,
        window_seconds=window_hours * HOUR,
        metrics=parsed,
        alpha=alpha,
        when_decided=when_decided,
        actor=actor,
        run=run,
        reason=reason,
    )


def _metrics(
    metrics: Sequence[SuccessMetric | Mapping[str, Any]],
) -> tuple[tuple[SuccessMetric, ...], list[str]]:
    parsed: list[SuccessMetric] = []
    faults: list[str] = []
    for metric in metrics:
        try:
            parsed.append(SuccessMetric.model_validate(metric))
        except ValidationError as error:
            faults += [f"metric {metric!r}: {e['loc'][-1]}: {e['msg']}" for e in error.errors()]
    faults += [fault for metric in parsed for fault in metric.faults]
    if not metrics:
        faults.append("there is no success metric")
    names = [metric.name for metric in parsed]
    faults += [
        f"metric {name!r} is named twice" for name in sorted(set(names)) if names.count(name) > 1
    ]
    return tuple(parsed), faults


def _iso(at: float) -> str:
    return utc(wall(at)).isoformat(timespec="seconds").replace("+00:00", "Z")

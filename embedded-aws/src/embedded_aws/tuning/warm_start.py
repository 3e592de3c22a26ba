"""What a tuning job takes over from earlier ones (``WarmStartConfig``). Pure.

Restrictions after the developer guide ("Run a Warm Start Hyperparameter Tuning Job").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded_aws.jobs.state import TERMINAL
from embedded_aws.tuning.bayesian import Observation
from embedded_aws.tuning.ranges import Space
from embedded_aws.tuning.trial import Trial

IDENTICAL = "IdenticalDataAndAlgorithm"


class WarmStartError(Exception):
    """A tuning job cannot start from its parents; the message is told to the customer."""


@dataclass(frozen=True)
class Searched:
    """What a tuning job searches, as far as a warm start asks.

    Args:
        name: The tuning job's name.
        status: How it stands.
        objective: ``HyperParameterTuningJobObjective``.
        space: Ranges of its hyperparameters.
        definition: Its ``TrainingJobDefinition``.
    """

    name: str
    status: str
    objective: Mapping[str, str]
    space: Space
    definition: Mapping[str, Any]


def check(own: Searched, parents: Sequence[Searched], kind: str) -> None:
    """Refuse parents of which nothing can be learned.

    Raises:
        WarmStartError: with the first reason.
    """
    for parent in parents:
        if parent.status not in TERMINAL:
            raise WarmStartError(
                f"Parent tuning job {parent.name} is in status {parent.status}: it must be in a "
                "terminal state."
            )
        if dict(parent.objective) != dict(own.objective):
            raise WarmStartError(
                f"The objective metric of parent tuning job {parent.name} must be the same."
            )
        if _names(parent) != _names(own):
            raise WarmStartError(
                "The static and tunable hyperparameters together must be the same as those of "
                f"parent tuning job {parent.name}."
            )
        kinds = {one.name: one.kind for one in parent.space}
        for one in own.space:
            if kinds.get(one.name, one.kind) != one.kind:
                raise WarmStartError(
                    f"The type of hyperparameter {one.name} must not change from parent tuning job "
                    f"{parent.name}."
                )
        if kind == IDENTICAL and _data(parent) != _data(own):
            raise WarmStartError(
                f"{IDENTICAL} needs the input data and the training image of parent tuning job "
                f"{parent.name}."
            )


def observations(
    trials: Mapping[str, Sequence[Trial]], static: Mapping[str, Mapping[str, str]],
    sign: float, kind: str,
) -> tuple[Observation, ...]:  # fmt: skip
    """Results of the parents.

    Args:
        trials: By the parent's name.
        static: The parents' static hyperparameters: here they may be tuned.
        sign: Turns objectives into losses.
        kind: ``WarmStartType``.
    """
    return tuple(
        Observation(
            {**static.get(parent, {}), **trial.values},
            sign * trial.final,
            "" if kind == IDENTICAL else parent,
        )
        for parent, theirs in trials.items()
        for trial in theirs
        if trial.final is not None
    )


def _names(one: Searched) -> set[str]:
    static = one.definition.get("StaticHyperParameters") or {}
    return {*static, *(range_.name for range_ in one.space)}


def _data(one: Searched) -> tuple[Any, Any]:
    definition = one.definition
    return definition.get("InputDataConfig"), definition["AlgorithmSpecification"]["TrainingImage"]

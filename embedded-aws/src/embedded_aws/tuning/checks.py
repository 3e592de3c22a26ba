"""What ``CreateHyperParameterTuningJob`` refuses beyond the constraints of the API model. Pure.

Where AWS's own words are known they are those of the developer guide or of recorded answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from embedded_aws.protocol.service import AwsFault
from embedded_aws.training.command import OBJECTIVE
from embedded_aws.tuning import sampling
from embedded_aws.tuning.hyperband import INFERRED, MOST_RESOURCE, Hyperband
from embedded_aws.tuning.ranges import Categorical, RangeError, Space, space_of

MOST_TRAINING_JOBS = 500
"""How many training jobs a tuning job launches where nothing says: AWS's default quota."""
MOST_HYPERPARAMETERS = 100


def check_request(request: dict[str, Any]) -> None:
    """Fill in defaults, and refuse what contradicts itself.

    Raises:
        AwsFault: ``ValidationException``.
    """
    config, definition = request["HyperParameterTuningJobConfig"], request.get(
        "TrainingJobDefinition"
    )  # fmt: skip
    if definition is None:
        raise invalid("The embedded AWS needs a TrainingJobDefinition: one for a tuning job.")
    config.setdefault("TrainingJobEarlyStoppingType", "Off")
    for kind in ("IntegerParameterRanges", "ContinuousParameterRanges"):
        for one in (config.get("ParameterRanges") or {}).get(kind) or ():
            one.setdefault("ScalingType", "Auto")
    _check_objective(config, definition)
    space = space_in(config)
    _check_hyperparameters(definition, space)
    _check_strategy(config, definition, space)
    definition["StaticHyperParameters"] = {
        **(definition.get("StaticHyperParameters") or {}),
        OBJECTIVE: config["HyperParameterTuningJobObjective"]["MetricName"],
    }


def space_in(config: Mapping[str, Any]) -> Space:
    """The ranges of a ``HyperParameterTuningJobConfig``.

    Raises:
        AwsFault: ``ValidationException``: they contradict themselves.
    """
    try:
        return space_of(config.get("ParameterRanges") or {})
    except RangeError as error:
        raise invalid(str(error)) from error


def hyperband_in(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Hyperband | None:
    """The resources of the strategy Hyperband; None of others.

    Raises:
        AwsFault: ``ValidationException``: they are not to be found.
    """
    if config["Strategy"] != "Hyperband":
        return None
    asked = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    most = asked.get("MaxResource") or _inferred(definition.get("StaticHyperParameters") or {})
    if most is None:
        raise invalid(
            "MaxResource of HyperbandStrategyConfig is missing, and cannot be inferred from a "
            f"static hyperparameter: {', '.join(INFERRED)}."
        )
    least = asked.get("MinResource", 1)
    if most > MOST_RESOURCE or least > most:
        raise invalid(
            f"MaxResource of HyperbandStrategyConfig must be {MOST_RESOURCE} at most, and not less "
            "than MinResource."
        )
    return Hyperband(least, most)


def most_training_jobs(config: Mapping[str, Any], space: Space) -> int:
    """``MaxNumberOfTrainingJobs``, or what stands for it."""
    asked = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        return sampling.size(space)
    return MOST_TRAINING_JOBS if asked is None else int(asked)


def invalid(message: str) -> AwsFault:
    """A refusal."""
    return AwsFault("ValidationException", message)


def _check_objective(config: Mapping[str, Any], definition: Mapping[str, Any]) -> None:
    objective = config.get("HyperParameterTuningJobObjective")
    if objective is None:
        raise invalid("HyperParameterTuningJobObjective must be specified.")
    metrics = definition["AlgorithmSpecification"].get("MetricDefinitions") or []
    if objective["MetricName"] not in {metric["Name"] for metric in metrics}:
        raise invalid(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric "
            "in the metric definitions."
        )


def _check_hyperparameters(definition: Mapping[str, Any], space: Space) -> None:
    static = definition.get("StaticHyperParameters") or {}
    if not space:
        raise invalid("ParameterRanges must name a hyperparameter at least.")
    for one in space:
        if one.name in static:
            raise invalid(f"Hyperparameter {one.name} is both static and tunable.")
    if OBJECTIVE in static or any(one.name == OBJECTIVE for one in space):
        raise invalid(f"Hyperparameter {OBJECTIVE} is reserved.")
    if len(static) + len(space) + 1 > MOST_HYPERPARAMETERS:
        raise invalid(f"A training job has at most {MOST_HYPERPARAMETERS} hyperparameters.")


def _check_strategy(config: Mapping[str, Any], definition: Mapping[str, Any], space: Space) -> None:
    strategy, asked = config["Strategy"], config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if strategy != "Hyperband" and config.get("StrategyConfig"):
        raise invalid("StrategyConfig is for the strategy Hyperband alone.")
    if strategy == "Hyperband" and config["TrainingJobEarlyStoppingType"] != "Off":
        raise invalid("TrainingJobEarlyStoppingType must be Off to use Hyperband.")
    hyperband_in(config, definition)
    if strategy == "Grid":
        if not all(isinstance(one, Categorical) for one in space):
            raise invalid("Only categorical parameters are supported by the strategy Grid.")
        size = sampling.size(space)
        if asked not in {None, size}:
            raise invalid(
                "MaxNumberOfTrainingJobs of a Grid must equal the number of distinct categorical "
                f"combinations, which is {size}."
            )
    elif asked is None and not _ends_otherwise(config):
        raise invalid(
            "MaxNumberOfTrainingJobs, MaxRuntimeInSeconds or a completion criterion must be "
            "specified."
        )


def _ends_otherwise(config: Mapping[str, Any]) -> bool:
    limited = config["ResourceLimits"].get("MaxRuntimeInSeconds") is not None
    return limited or bool(config.get("TuningJobCompletionCriteria"))


def _inferred(static: Mapping[str, str]) -> int | None:
    """``MaxResource`` from a static hyperparameter; the SDK writes values as JSON."""
    for name in INFERRED:
        try:
            return int(json.loads(static[name]))
        except (KeyError, ValueError, TypeError):
            continue
    return None

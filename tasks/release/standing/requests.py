"""Which alarms should stand beside an endpoint, as requests to CloudWatch. Pure.

They watch the variant of the version that the pointer names, which users meet in every phase of a
release. Memory, errors and latency ring nobody: one composite alarm of the model does, so that an
incident that breaks several bounds is told once. What labels say lasts for weeks, and a composite
that is in alarm says nothing when another child rings: they, and that nothing serves, tell people
by themselves. Their names are none of a release's
(`tasks.release.hosting.requests.alarm_names`), so that neither its owner nor the failsafe alarm
acts on them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tasks.metrics import ERROR, least_right, told_as
from tasks.model_spec import ModelSpec
from tasks.release.hosting.names import variant_of

PREFIX = "sluice-standing-"
PARTS = ("accuracy", "memory", "errors", "latency", "slow", "endpoint")
ALONE = frozenset({"accuracy", "endpoint"})
"""Parts that tell people by themselves; the composite is of the others."""
PERIOD = 300
PERIODS = 2
SILENT_PERIOD = 60
SILENT_PERIODS = 5
YOUNG = 600.0
"""Seconds after which CloudWatch knows of a new variant, with minutes to spare."""
QUIET: Mapping[str, Any] = {
    "ActionsEnabled": True,
    "AlarmActions": [],
    "OKActions": [],
    "InsufficientDataActions": [],
}
SAGEMAKER, INSTANCES = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
HELP = "docs/operations.md#standing-alarms"
NAME = re.compile(rf"{PREFIX}(?P<model>[a-z0-9-]+)(?:\.[a-z]+)?")
NEXT: Mapping[str, str] = {
    "accuracy": "open the newest run of watch-drift; if the data changed, run retrain/manual; if "
    "only this version is worse, run rollback/manual",
    "memory": "look at MemoryUsage: if it grows without end, run rollback/manual; if it is the "
    "size of the model, choose a larger serving.instance_type",
    "errors": "look at the endpoint's log; if callers send what is no request, tell them; if the "
    "version fails, run rollback/manual",
    "latency": "compare Invocations with last week's; with more of them raise instance_count or "
    "autoscaling; else run rollback/manual",
    "slow": "look for what the slowest requests have in common (size, hour); else as for latency",
    "endpoint": "aws sagemaker describe-endpoint says why nothing serves; rollback/manual with "
    "to_version deploys a version anew",
}


def composite_name(model: str) -> str:
    """The alarm that rings people for the parts that do not by themselves."""
    return f"{PREFIX}{model}"


def part_name(model: str, part: str) -> str:
    """One of the alarms that watch one thing; no model's name holds a dot."""
    return f"{PREFIX}{model}.{part}"


def names(model: str) -> tuple[str, ...]:
    """Every standing alarm that a model may have, the composite first."""
    return (composite_name(model), *(part_name(model, part) for part in PARTS))


def model_of(name: str) -> str | None:
    """Whose a standing alarm is; None where it is none."""
    found = NAME.fullmatch(name)
    return found["model"] if found else None


def requests(
    spec: ModelSpec, version: str, namespace: str, topic: str, *, age: float = math.inf
) -> list[dict[str, Any]]:
    """PutMetricAlarm of each part, and at the end PutCompositeAlarm; none when they are off.

    There is no composite where none of its parts is wanted.

    Args:
        spec: The model.
        version: Which one serves.
        namespace: Of our own metrics.
        topic: SNS topic that tells people; "" tells nobody, and the alarms stand all the same.
        age: Seconds since the pointer names the version: of one that has just come CloudWatch
            knows nothing yet, and that is no outage.
    """
    if not spec.alarms.enabled:
        return []
    tells = _tells(topic)
    parts = [
        {
            **_common(spec.name, version, part, what),
            **watches,
            **(tells if part in ALONE else QUIET),
        }
        for part, what, watches in _parts(spec, version, namespace, young=age < YOUNG)
    ]
    alone = {part_name(spec.name, part) for part in ALONE}
    together = [one["AlarmName"] for one in parts if one["AlarmName"] not in alone]
    if not together:
        return parts
    whole = {
        "AlarmName": composite_name(spec.name),
        "AlarmDescription": f"{spec.name} {version}: its endpoint serves badly. Next: "
        "the alarm that triggered this one says what, and what to do; all of them: " + HELP,
        "AlarmRule": " OR ".join(f'ALARM("{name}")' for name in together),
        **tells,
    }
    return [*parts, whole]


def _tells(topic: str) -> dict[str, Any]:
    """Of an alarm that tells people when it rings and when it is over."""
    actions = [topic] if topic else []
    return {**QUIET, "ActionsEnabled": bool(topic), "AlarmActions": actions, "OKActions": actions}


def _common(model: str, version: str, part: str, what: str) -> dict[str, Any]:
    return {
        "AlarmName": part_name(model, part),
        "AlarmDescription": f"{model} {version}: {what}. Next: {NEXT[part]}. {HELP}",
        "EvaluationPeriods": PERIODS,
        "DatapointsToAlarm": PERIODS,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }


def _parts(
    spec: ModelSpec, version: str, namespace: str, *, young: bool
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Part, what it says when it rings, and what makes it another alarm than the common one."""
    limits = spec.alarms
    served = {"EndpointName": spec.endpoint_name, "VariantName": variant_of(version)}
    quality = _quality(spec, version, namespace)
    if quality:
        yield "accuracy", *quality
    if limits.memory_percent:
        yield (
            "memory",
            f"an instance uses more than {limits.memory_percent:g} % of its memory",
            {
                **_of(INSTANCES, "MemoryUtilization", served, "Maximum"),
                "Threshold": limits.memory_percent,
            },
        )
    if limits.error_rate:
        yield (
            "errors",
            f"more than {limits.error_rate:.4g} of its requests fail",
            {
                "Threshold": limits.error_rate,
                "Metrics": [
                    _query("e4", "Invocation4XXErrors", served, "Sum"),
                    _query("e5", "Invocation5XXErrors", served, "Sum"),
                    *_if_asked(limits.least_requests, served, "(FILL(e4,0)+FILL(e5,0))/n"),
                ],
            },
        )
    for part, what, stat, most in (
        ("latency", "its mean latency", "Average", limits.latency_ms),
        ("slow", "the latency of its slowest twentieth", "p95", limits.slow_ms),
    ):
        if most:
            yield (
                part,
                f"{what} is above {most:g} ms",
                {
                    "Threshold": most,
                    "Metrics": [
                        _query("l", "ModelLatency", served, stat),
                        *_if_asked(limits.least_requests, served, "l/1000"),
                    ],
                },
            )
    yield (
        "endpoint",
        f"nothing serves: no instance has told of itself for {SILENT_PERIODS} minutes",
        {
            **_of(INSTANCES, "MemoryUtilization", served, "SampleCount"),
            "Period": SILENT_PERIOD,
            "EvaluationPeriods": SILENT_PERIODS,
            "DatapointsToAlarm": SILENT_PERIODS,
            "ComparisonOperator": "LessThanThreshold",
            "Threshold": 1.0,
            "TreatMissingData": "notBreaching" if young else "breaching",
        },
    )


def _quality(spec: ModelSpec, version: str, namespace: str) -> tuple[str, dict[str, Any]] | None:
    """The alarm on what labels say; None where there is no bound.

    Labels come a day or a week apart, and nothing in between: the alarm stays what the last ones
    made it (``ignore``) rather than calm down because nobody has looked. They are those of the
    version: what they said of another one is told of that one.
    """
    told = told_as(spec.family.task)
    judged = {"ModelName": spec.name, "VariantName": variant_of(version)}
    of = _of(namespace, told, judged, "Average")
    if told == ERROR:
        bound = spec.alarms.error
        what = f"its mean error on labels that came is above {bound:g}"
        more: dict[str, Any] = {"Threshold": bound}
    else:
        bound = least_right(spec.family.task, spec.alarms.accuracy, spec.promised_accuracy)
        what = f"{told} on labels that came is below {100 * bound:g} %"
        more = {"Threshold": round(100 * bound, 6), "ComparisonOperator": "LessThanThreshold"}
    return (what, {**of, **more, "TreatMissingData": "ignore"}) if bound else None


def _of(namespace: str, metric: str, dimensions: Mapping[str, str], stat: str) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": _dimensions(dimensions),
        "Statistic": stat,
        "Period": PERIOD,
    }


def _if_asked(least: int, served: Mapping[str, str], value: str) -> Sequence[dict[str, Any]]:
    """The value of a period with enough requests, else 0; nothing where there were none at all."""
    return (
        _query("n", "Invocations", served, "Sum"),
        {"Id": "told", "Expression": f"IF(n>={least},{value},0)", "ReturnData": True},
    )


def _query(name: str, metric: str, served: Mapping[str, str], stat: str) -> dict[str, Any]:
    of = {"Namespace": SAGEMAKER, "MetricName": metric, "Dimensions": _dimensions(served)}
    return {
        "Id": name,
        "MetricStat": {"Metric": of, "Period": PERIOD, "Stat": stat},
        "ReturnData": False,
    }


def _dimensions(of: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in of.items()]

"""How CloudWatch's older operations refuse a request that its model does not allow.

PutMetricData, GetMetricStatistics, ListMetrics, dashboards and tags answer
``InvalidParameterValue`` and ``MissingParameter``, and name members as the query protocol does
(``MetricData.member.1.Unit``). Alarms and GetMetricData are checked by
:mod:`embedded_aws.cloudwatch.wire.validate`.
"""

from __future__ import annotations

from typing import Any

from embedded_aws.protocol.service import AwsFault

# As AWS tells them: not in the order of its model.
_UNITS = (
    "Megabits", "Terabits", "Gigabits", "Count", "Bytes", "Gigabytes", "Gigabytes/Second",
    "Kilobytes", "Kilobits/Second", "Terabytes", "Terabits/Second", "Bytes/Second", "Percent",
    "Megabytes", "Megabits/Second", "Milliseconds", "Microseconds", "Kilobytes/Second",
    "Gigabits/Second", "Megabytes/Second", "Bits", "Bits/Second", "Count/Second", "Seconds",
    "Kilobits", "Terabytes/Second", "None",
)  # fmt: skip


def check_parameters(shape: Any, value: Any, path: str = "") -> None:
    """Refuse what the model does not allow, at the first member that breaks it.

    Raises:
        AwsFault: ``MissingParameter`` or ``InvalidParameterValue``.
    """
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                where = f"{path}.{name}" if path else name
                raise AwsFault("MissingParameter", f"The parameter {where} is required.")
        for name, member in value.items():
            check_parameters(shape.members[name], member, f"{path}.{name}" if path else name)
        return
    refusal = _refusal(shape, value, path)
    if refusal:
        raise AwsFault("InvalidParameterValue", refusal)
    if kind == "list" and shape.member.type_name not in ("double", "timestamp", "boolean"):
        for i, item in enumerate(value, 1):
            check_parameters(shape.member, item, f"{path}.member.{i}")


def _refusal(shape: Any, value: Any, path: str) -> str:
    """What a value breaks, as a sentence; "" where it breaks nothing."""
    kind = shape.type_name
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if kind == "list":
        if high is not None and len(value) > high:
            return f"The collection {path} must not have a size greater than {high}."
        if low is not None and len(value) < low:
            return f"The collection {path} must not have a size less than {low}."
        return ""
    if kind == "string":
        choices = shape.metadata.get("enum")
        if choices and value not in choices:
            named = _UNITS if shape.name == "StandardUnit" else tuple(choices)
            return f"The parameter {path} must be a value in the set [ {', '.join(named)} ]."
        if high is not None and len(value) > high:
            return f"The parameter {path} must be shorter than {high + 1} characters."
        if low is not None and len(value) < low:
            return f"The parameter {path} must be longer than {low - 1} characters."
        return ""
    if kind in ("integer", "long") and low is not None and value < low:
        return f"The parameter {path} must be greater than or equal to {low}."
    return ""

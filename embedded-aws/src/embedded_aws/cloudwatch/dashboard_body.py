"""What a dashboard's body must hold: its widgets, their places and their kinds.

Only what PutDashboard is known to refuse is refused; what it may not draw is told as a warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from embedded_aws.protocol.service import AwsFault

_TYPES = frozenset({"metric", "text", "log", "alarm", "explorer", "custom", "trace"})
# The grid is 24 columns wide.
_MOST = {"x": 23, "width": 24, "height": 1000}
_LEAST = {"x": 0, "y": 0, "width": 1, "height": 1}
_SHORT_PERIODS = (1, 5, 10, 20, 30)

Finding = tuple[str, str]


def read_body(body: str) -> list[dict[str, str]]:
    """The warnings for a dashboard's body.

    Raises:
        AwsFault: ``InvalidParameterInput`` with every finding.
    """
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        message = "The field DashboardBody must be a valid JSON object"
        raise _refusal(message, [("DashboardBody", message)])
    findings = list(_findings(content))
    if findings:
        told = json.dumps([{"dataPath": path, "message": why} for path, why in findings], indent=2)
        count = len(findings)
        message = f"The dashboard body is invalid, there are {count} validation errors:\n{told}"
        raise _refusal(message, findings)
    kinds = f"Should be one of {', '.join(sorted(_TYPES))}"
    return [
        {"DataPath": f"/widgets/{i}/type", "Message": kinds}
        for i, widget in enumerate(content["widgets"])
        if widget["type"] not in _TYPES
    ]


def _findings(content: dict[str, Any]) -> Iterator[Finding]:
    if "widgets" not in content:
        yield "", "Should have required property 'widgets'"
    elif not isinstance(content["widgets"], list):
        yield "/widgets", "Should be array"
    else:
        for i, widget in enumerate(content["widgets"]):
            if isinstance(widget, dict):
                yield from _of_widget(f"/widgets/{i}", widget)
            else:
                yield f"/widgets/{i}", "Should be object"


def _of_widget(path: str, widget: dict[str, Any]) -> Iterator[Finding]:
    for name in ("type", "properties"):
        if name not in widget:
            yield path, f"Should have required property '{name}'"
    for name, least in _LEAST.items():
        value = widget.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"{path}/{name}", "Should be integer"
        elif value < least:
            yield f"{path}/{name}", f"Should be >= {least}"
        elif value > _MOST.get(name, value):
            yield f"{path}/{name}", f"Should be <= {_MOST[name]}"
    if isinstance(widget.get("properties"), dict):
        yield from _of_properties(f"{path}/properties", widget)


def _of_properties(path: str, widget: dict[str, Any]) -> Iterator[Finding]:
    kind, properties = widget.get("type"), widget["properties"]
    needed = {"text": "markdown", "alarm": "alarms"}.get(str(kind))
    if needed is not None and needed not in properties:
        yield path, f"Should have required property '{needed}'"
    if kind == "metric":
        source = isinstance(properties.get("metrics"), list) or "annotations" in properties
        if not source or not isinstance(properties.get("region"), str):
            yield path, ("The metric widget should have specified a region and a data source or an "
                         "alarm annotation")  # fmt: skip
    period = properties.get("period")
    if isinstance(period, int) and period not in _SHORT_PERIODS and period % 60:
        yield f"{path}/period", "Should be multiple of 60"
    axes = properties.get("yAxis")
    for side in ("left", "right"):
        axis = axes.get(side) if isinstance(axes, dict) else None
        if isinstance(axis, dict) and axis.get("min", 0) > axis.get("max", axis.get("min", 0)):
            yield f"{path}/yAxis/{side}/min", f"Should be <= {axis['max']}"


def _refusal(message: str, findings: list[Finding]) -> AwsFault:
    details = [{"DataPath": path, "Message": why} for path, why in findings]
    return AwsFault("InvalidParameterInput", message, 400, {"dashboardValidationMessages": details})

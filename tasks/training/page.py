"""The training's page: what is measured while it runs, beside what the gate will ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tasks.reports.chart import image, line_chart
from tasks.reports.figures import metric as told_metric
from tasks.reports.markdown import plain, table

CHARTS, POINTS = 3, 400
"""Charts beside that of the loss, and points of a line: more than pixels show nothing."""
FAR = 4.0
"""A bound so many spans of the measurements away is told and not drawn: it would flatten them."""
UNSHOWN = frozenset({"epoch", "epochs", "seconds", "lr", "learning_rate"})
VALIDATION = "val_"
SPLITS = {
    "train": "rows learned from",
    "validation": "rows set aside",
    "holdout": "held out",
    "baseline": "baseline, held out",
}
"""What the parts of a SageMaker metric's name before its colon mean."""
_EPOCH = re.compile(r"\bepoch=(\d+)\b")
_NUMBER = re.compile(r"\b([a-z_0-9]+)=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b")


class Target(NamedTuple):
    """A fixed bound of the gate: ``sign`` is ``≤`` or ``≥``."""

    metric: str
    sign: str
    value: float


def training_page(
    job_name: str,
    status: str,
    lines: Sequence[str],
    targets: Sequence[Target] = (),
    metrics: Mapping[str, float] | None = None,
) -> str:
    """The training curve beside the gate's bounds, and the result when it is there.

    Args:
        job_name: The job's name.
        status: Its status.
        lines: Of its log.
        targets: The gate's bounds; one is drawn in the chart of its metric, in the same unit.
        metrics: What SageMaker read from the log in the end, like ``validation:mae``.
    """
    series = epochs_of(lines)
    parts = [f"# Training: {status}", f"Job `{job_name}`{_reached(series)}."]
    measured = [name for name in series if "loss" not in name][:CHARTS]
    parts += [_chart(name, series[name], targets) for name in measured]
    losses = {name: _thinned(points) for name, points in series.items() if "loss" in name}
    if losses:
        title = "loss: what the optimiser makes small, in a unit of its own"
        parts.append(image(line_chart(title, losses, "epoch"), "loss by epoch"))
    if metrics:
        parts.append(_results(metrics, targets))
    return "\n\n".join(parts)


def epochs_of(lines: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Read ``epoch=3 loss=0.12 val_mae=…`` lines into one series per number."""
    series: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        match = _EPOCH.search(line)
        if not match:
            continue
        for name, value in _NUMBER.findall(line):
            if name not in UNSHOWN:
                series.setdefault(name, []).append((float(match.group(1)), float(value)))
    return series


def _chart(name: str, points: Sequence[tuple[float, float]], targets: Sequence[Target]) -> str:
    """One metric on the rows set aside, and the gate's bound where it is near enough to be seen."""
    metric = name.removeprefix(VALIDATION)
    title = f"{metric} on rows set aside" if name.startswith(VALIDATION) else name
    drawn = {title: _thinned(points)}
    values = [y for _, y in points]
    low, high = min(values), max(values)
    reach = FAR * max(high - low, abs(high) * 0.1)
    for target in targets:
        if target.metric != metric:
            continue
        label = f"gate {target.sign} {told_metric(metric, target.value)}"
        title = f"{title} ({label})"
        if low - reach <= target.value <= high + reach:
            ends = (points[0][0], max(points[-1][0], points[0][0] + 1))
            drawn[label] = [(x, target.value) for x in ends]
    drawn = {"measured" if n == 0 else key: line for n, (key, line) in enumerate(drawn.items())}
    return image(line_chart(title, drawn, "epoch"), f"{metric} by epoch")


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    step = max(1, len(points) // POINTS)
    return [*points[:-1:step], *points[-1:]]


def _reached(series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    last = max((points[-1][0] for points in series.values()), default=0)
    return f", epoch {last:,.0f}" if last else ""


def _results(metrics: Mapping[str, float], targets: Sequence[Target]) -> str:
    """A row for each metric, a column for each split, the gate's bound beside them."""
    by_metric: dict[str, dict[str, str]] = {}
    for key, value in metrics.items():
        split, _, name = key.rpartition(":")
        by_metric.setdefault(name, {})[split] = told_metric(name, value)
    split_names = {key.rpartition(":")[0] for key in metrics}
    splits = [
        *(name for name in SPLITS if name in split_names),
        *sorted(split_names - SPLITS.keys()),
    ]
    bounds: dict[str, list[str]] = {}
    for target in targets:
        bound = f"{target.sign} {told_metric(target.metric, target.value)}"
        bounds.setdefault(target.metric, []).append(bound)
    rows = [
        (
            plain(name),
            *(values.get(split, "–") for split in splits),
            "<br>".join(bounds.get(name, ())) or "–",
        )
        for name, values in sorted(by_metric.items())
    ]
    header = ("metric", *(SPLITS.get(split, plain(split or "value")) for split in splits), "gate")
    return table(header, rows, numeric=range(1, len(header)))

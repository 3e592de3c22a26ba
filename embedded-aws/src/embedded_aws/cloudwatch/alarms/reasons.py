"""Why an alarm is in its state: a sentence and its evidence, as CloudWatch writes them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from embedded_aws.cloudwatch.alarms.decide import Decision
from embedded_aws.cloudwatch.alarms.settings import COMPARISONS, Watch

INITIAL = "Unchecked: Initial alarm creation"


@dataclass(frozen=True)
class Datapoint:
    """One period of an evaluation.

    Args:
        start: Beginning of the period, unix seconds.
        value: Its value, None where data is missing.
        samples: Measurements in it, None for an expression.
    """

    start: int
    value: float | None
    samples: float | None = None


def reason(watch: Watch, decision: Decision, points: Sequence[Datapoint], before: str) -> str:
    """The sentence for a decision; at most 1,023 characters."""
    window = [points[i] for i in decision.judged]
    state = decision.state
    if state == "INSUFFICIENT_DATA" and not window:
        return f"Insufficient Data: {_many(watch.periods)} {_were(watch.periods)} unknown."
    fill = ""
    if decision.filled:
        gap = f"{decision.filled} missing {_noun(decision.filled)}"
        fill = f"{gap} {_were(decision.filled)} treated as [{decision.treated}]"
    if not window:
        length = "1 period" if watch.periods == 1 else f"{watch.periods} periods"
        return f"Threshold Crossed: no datapoints were received for {length} and {fill}."
    breaching = [p for p in window if p.value is not None and watch.breaches(p.value)]
    evidence = breaching if state == "ALARM" and breaching else window
    if state != "ALARM":
        evidence = [p for p in window if p not in breaching] or window
    words = COMPARISONS[watch.operator][1]
    negation = "" if evidence[0] in breaching else "not "
    examples = ", ".join(f"{p.value} ({_short(p.start)})" for p in evidence[:5])
    sentence = (
        f"{len(evidence)} out of the last {len(window)} datapoints [{examples}] "
        f"{_were(len(evidence))} {negation}{words} the threshold ({watch.threshold})"
    )
    if fill:
        return f"Threshold Crossed: {sentence} and {fill}."[:1023]
    least = watch.datapoints if state == "ALARM" else watch.periods - watch.datapoints + 1
    head = "Insufficient Data" if state == "INSUFFICIENT_DATA" else "Threshold Crossed"
    tail = f" (minimum {_many(least)} for {before} -> {state} transition)"
    return f"{head}: {sentence}{tail}."[:1023]


def reason_data(watch: Watch, points: Sequence[Datapoint], now: float) -> str:
    """The evidence as JSON; at most 4,000 characters."""
    real = [p for p in points if p.value is not None][-watch.periods :]
    stat = next((q.stat for q in watch.queries if q.id == watch.watched), "")
    data: dict[str, object] = {"version": "1.0", "queryDate": stamp(now)}
    if real:
        data["startDate"] = stamp(real[0].start)
    if stat:
        data["statistic"] = stat
    data["period"] = watch.period
    data["recentDatapoints"] = [p.value for p in real]
    data["threshold"] = watch.threshold
    data["evaluatedDatapoints"] = [
        {
            "timestamp": stamp(p.start),
            **({} if p.samples is None else {"sampleCount": p.samples}),
            **({} if p.value is None else {"value": p.value}),
        }
        for p in reversed(points[-watch.periods :])
    ]
    text = json.dumps(data)
    while len(text) > 4000:
        for member in ("recentDatapoints", "evaluatedDatapoints"):
            values = data[member]
            data[member] = values[: len(values) // 2] if isinstance(values, list) else values
        text = json.dumps(data)
    return text


def stamp(timestamp: float) -> str:
    """``2026-11-21T02:20:00.000+0000``, as alarms write times."""
    moment = dt.datetime.fromtimestamp(timestamp, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def _short(timestamp: float) -> str:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).strftime("%d/%m/%y %H:%M:%S")


def _noun(count: int) -> str:
    return "datapoint" if count == 1 else "datapoints"


def _many(count: int) -> str:
    return f"{count} {_noun(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"

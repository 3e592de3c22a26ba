"""Why an alarm is in its state: a sentence and its evidence, as CloudWatch writes them.

An alarm with ``DatapointsToAlarm`` tells "M out of the last N"; one without tells its datapoints
alone. Five or more datapoints are counted, and the five most recent ones are shown.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from embedded_aws.cloudwatch.alarms.decide import Decision
from embedded_aws.cloudwatch.alarms.settings import COMPARISONS, Watch

INITIAL = "Unchecked: Initial alarm creation"
SHOWN = 5
# Of a sentence, and of its evidence.
_LONGEST = 1023
_LARGEST = 4000
# Whatever state the alarm comes from, CloudWatch tells the change by these two.
_CHANGES = {"ALARM": "OK -> ALARM", "OK": "ALARM -> OK"}


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


def reason(watch: Watch, decision: Decision, points: Sequence[Datapoint]) -> str:
    """The sentence for a decision; at most 1,023 characters."""
    window = [points[i] for i in decision.judged]
    state = decision.state
    if state == "INSUFFICIENT_DATA":
        unknown = watch.periods - len(window)
        return f"Insufficient Data: {_many(unknown)} {_were(unknown)} unknown."
    fill = ""
    if decision.filled:
        gap = f"{decision.filled} missing {_noun(decision.filled)}"
        fill = f"{gap} {_were(decision.filled)} treated as [{decision.treated}]"
    if not window:
        length = "1 period" if watch.periods == 1 else f"{watch.periods} periods"
        return f"Threshold Crossed: no datapoints were received for {length} and {fill}."
    evidence = _evidence(watch, state == "ALARM", window)
    count = len(evidence)
    negation = "" if _breaches(watch, evidence[0]) else "not "
    words = f"{_were(count)} {negation}{COMPARISONS[watch.operator][1]}"
    told = ", ".join(f"{number(p.value or 0.0)} ({_short(p.start)})" for p in evidence[:SHOWN])
    counted = _many(count)
    if watch.told_datapoints:
        counted = f"{count} out of the last {watch.periods} datapoints"
    crossed = f"{words} the threshold ({number(watch.threshold)})"
    sentence = f"{counted} [{told}] {crossed}"
    if count >= SHOWN:
        recent = f"The most recent datapoints which crossed the threshold: [{told}]"
        sentence = f"{counted} {crossed}. {recent}"
    if fill:
        sentence += f" and {fill}"
    if watch.told_datapoints:
        least = _least(watch, state == "ALARM")
        sentence += f" (minimum {_many(least)} for {_CHANGES[state or 'OK']} transition)"
    return f"Threshold Crossed: {sentence}."[:_LONGEST]


def reason_data(watch: Watch, decision: Decision, points: Sequence[Datapoint], now: float) -> str:
    """The evidence as JSON; at most 4,000 characters."""
    window = [points[i] for i in decision.judged]
    query = next(q for q in watch.queries if q.id == watch.watched)
    data: dict[str, object] = {"version": "1.0", "queryDate": stamp(now)}
    if window:
        data["startDate"] = stamp(window[-1].start)
    if query.unit:
        data["unit"] = query.unit
    if query.stat:
        data["statistic"] = query.stat
    data["period"] = watch.period
    data["recentDatapoints"] = [p.value for p in reversed(window)]
    data["threshold"] = watch.threshold
    data["evaluatedDatapoints"] = [_told(p) for p in _evaluated(watch, decision, points)]
    text = _compact(data)
    while len(text) > _LARGEST:
        for member in ("recentDatapoints", "evaluatedDatapoints"):
            values = data[member]
            data[member] = values[: len(values) // 2] if isinstance(values, list) else values
        text = _compact(data)
    return text


def stamp(timestamp: float) -> str:
    """``2026-11-21T02:20:00.000+0000``, as alarms write times."""
    moment = dt.datetime.fromtimestamp(timestamp, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def number(value: float) -> str:
    """A number as CloudWatch writes it: ``0.25``, ``20000.0``, ``2.5E7``, ``1.0E-4``."""
    text = repr(float(value))
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return text
    mantissa = exponent = ""
    for digits in range(1, 18):
        mantissa, _, exponent = f"{float(value):.{digits}e}".partition("e")
        if float(f"{mantissa}e{exponent}") == value:
            break
    return f"{mantissa}E{int(exponent)}"


def _evidence(watch: Watch, alarm: bool, window: Sequence[Datapoint]) -> list[Datapoint]:
    """The judged datapoints that speak for a state; all of them where none does."""
    return [p for p in window if _breaches(watch, p) == alarm] or list(window)


def _evaluated(watch: Watch, decision: Decision, points: Sequence[Datapoint]) -> list[Datapoint]:
    """As many datapoints as decide, newest first: real ones, then periods without data."""
    window = [points[i] for i in decision.judged]
    alarm = decision.state == "ALARM"
    told: list[Datapoint] = []
    if decision.state != "INSUFFICIENT_DATA":
        told = [p for p in window if _breaches(watch, p) == alarm]
    least = _least(watch, alarm or decision.state == "INSUFFICIENT_DATA")
    missing = [p for p in reversed(points) if p.value is None]
    chosen = told[:least] + missing[: max(0, least - len(told))]
    return sorted(chosen, key=lambda p: -p.start)


def _least(watch: Watch, alarm: bool) -> int:
    """The fewest datapoints that decide on a state."""
    return watch.datapoints if alarm else watch.periods - watch.datapoints + 1


def _breaches(watch: Watch, point: Datapoint) -> bool:
    return point.value is not None and watch.breaches(point.value)


def _told(point: Datapoint) -> dict[str, object]:
    told: dict[str, object] = {"timestamp": stamp(point.start)}
    if point.value is not None:
        if point.samples is not None:
            told["sampleCount"] = point.samples
        told["value"] = point.value
    return told


def _compact(data: object) -> str:
    return json.dumps(data, separators=(",", ":"))


def _short(timestamp: float) -> str:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC).strftime("%d/%m/%y %H:%M:%S")


def _noun(count: int) -> str:
    return "datapoint" if count == 1 else "datapoints"


def _many(count: int) -> str:
    return f"{count} {_noun(count)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"

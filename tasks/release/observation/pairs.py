"""Mirrored requests, answered by both versions: from captured lines to counts. Pure.

While a version shadows another, SageMaker's data capture keeps what each was asked and what it
answered. The same request on both sides is a pair, and a pair needs no law of the requests: a shift
of a tenth of the predictions' spread shows in tens of pairs instead of hundreds of requests an arm.

Only answers are captured, so errors and latency stay with CloudWatch's counts.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tasks.metrics import task_class
from tasks.specs.family import FIRST_TASKS

DRIFT = 0.1
"""Shift, in standard deviations, that is never held against a version: the judge's own default."""
LATE = 60.0
"""Seconds by which pairs are known later than counts: captures are written once a minute."""
MOST = 20_000
"""Answers of one version that are read for a window: far more than a verdict takes."""
SIGMA = (0.158_655, 0.841_345)
"""A standard deviation below and above the middle of a normal distribution."""
HOUR = 3600.0

Span = tuple[float, float]


class Answered(NamedTuple):
    """One captured answer: which request, when (unix seconds), and its score."""

    request: str
    at: float
    score: float


def hours(span: Span) -> tuple[str, ...]:
    """Folders ``yyyy/mm/dd/hh`` in which what was asked in a span is written."""
    first = int(span[0] // HOUR)
    last = int((span[1] + 2 * LATE) // HOUR)
    return tuple(
        f"{datetime.fromtimestamp(hour * HOUR, UTC):%Y/%m/%d/%H}" for hour in range(first, last + 1)
    )


def written_within(hour: str, name: str, span: Span) -> bool:
    """Whether an object ``MM-SS-mmm-….jsonl`` of an hour may hold answers of a span."""
    minutes, _, rest = name.partition("-")
    seconds = rest.partition("-")[0]
    if not (minutes.isdigit() and seconds.isdigit()):
        return True  # named otherwise: look inside
    began = datetime.strptime(hour, "%Y/%m/%d/%H").replace(tzinfo=UTC)
    at = (began + timedelta(minutes=int(minutes), seconds=int(seconds))).timestamp()
    # An object of a full hour may be written, and named, in the first minute of the next.
    return at + 1.0 >= span[0] or at < began.timestamp() + 2 * LATE


def answers(lines: Iterable[str], span: Span, task: str = "") -> list[Answered]:
    """What was asked within a span, out of captured lines; lines that say nothing are left out."""
    captured = []
    for line in lines:
        answered = _answered(line, task)
        if answered is not None and span[0] <= answered.at < span[1]:
            captured.append(answered)
    return captured


def counted(
    stable: Sequence[Answered], candidate: Sequence[Answered], spread: float
) -> dict[str, Any]:
    """Pairs as the judge takes them: how many, and on which side of the tolerated shift.

    Args:
        stable: Answers that users got.
        candidate: Answers to the copies.
        spread: Standard deviation of the stable version's scores, above 0.
    """
    waiting: dict[str, list[float]] = defaultdict(list)
    for mirrored in sorted(candidate, key=lambda item: item.at):
        waiting[mirrored.request].append(mirrored.score)
    pairs = higher = lower = 0
    for answered in sorted(stable, key=lambda item: item.at):
        copies = waiting.get(answered.request)
        if not copies:
            continue
        difference = (copies.pop(0) - answered.score) / spread
        pairs += 1
        higher += difference > DRIFT
        lower += difference < -DRIFT
    return {"pairs": pairs, "predictions": (higher, lower)}


def spread(edges: Sequence[float]) -> float:
    """Standard deviation of the scores whose equally filled bins have these inner edges.

    Half the distance between the two quantiles that lie a standard deviation from the middle of a
    normal distribution: outliers do not stretch it. 0 when the edges tell nothing.
    """
    if len(edges) <= 1:
        return 0.0
    low, high = (_quantile(edges, level) for level in SIGMA)
    return max(0.0, (high - low) / 2.0)


def _quantile(edges: Sequence[float], level: float) -> float:
    place = min(max(level * (len(edges) + 1) - 1.0, 0.0), len(edges) - 1.0)
    left = min(int(place), len(edges) - 2)
    return edges[left] + (place - left) * (edges[left + 1] - edges[left])


def score(answer: Any, task: str = "") -> float | None:
    """The number of an answer whose distribution is watched; None when there is none.

    It is what the serving programs count into bins.

    Args:
        answer: One prediction as a client got it.
        task: The model's; "" tries the tasks that journals without one can be of.
    """
    scores = (task_class(name).score_of(answer) for name in ((task,) if task else FIRST_TASKS))
    return next((score for score in scores if score is not None), None)


def _answered(line: str, task: str) -> Answered | None:
    try:
        event = json.loads(line)
        data = event["captureData"]
        request_body, answer_body = _body(data["endpointInput"]), _body(data["endpointOutput"])
        meta = event["eventMetadata"]
        at = datetime.fromisoformat(meta["inferenceTime"]).timestamp()
        predictions = json.loads(answer_body)["predictions"]
        scores = [score(item, task) for item in predictions]
    except (ValueError, KeyError, TypeError):
        return None
    known = [item for item in scores if item is not None]
    if not known or len(known) != len(scores):
        return None
    request = str(meta.get("inferenceId") or hashlib.sha256(request_body).hexdigest())
    return Answered(request, at, sum(known) / len(known))


def _body(side: Mapping[str, Any]) -> bytes:
    text = str(side["data"])
    if side.get("encoding") == "BASE64":
        return base64.b64decode(text, validate=True)
    return text.encode()

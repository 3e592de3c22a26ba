"""What a variant answered to its sample request, held to bounds. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ASKED = "sample requests"
"""Stands in every sentence about a load test; one without was said of a first answer alone."""


@dataclass(frozen=True)
class Answer:
    """One answer: its milliseconds, and what is wrong with it, or ""."""

    ms: float
    fault: str = ""


def ruling(
    variant: str, answers: Sequence[Answer], seconds: float, error_share: float, longest_ms: float
) -> str:
    """What follows from the answers, in a sentence that begins with ``pass`` or ``fail``. Pure."""
    faults = [answer.fault for answer in answers if answer.fault]
    count, rate = len(answers), len(answers) / max(seconds, 1e-9)
    if not answers:
        return f"fail: {variant} answered nothing within {seconds:.0f} s"
    ordered = sorted(answer.ms for answer in answers)
    p95 = ordered[math.ceil(0.95 * count) - 1]
    asked = f"{count} {ASKED} at {rate:.3g} a second"
    if len(faults) > error_share * count:
        return (
            f"fail: {len(faults)} of {asked} failed, at most {error_share:.2%} may "
            f"(release.load_test.error_share): {faults[0]}"
        )
    if p95 > longest_ms:
        return (
            f"fail: of {asked} 95 % took up to {p95:.0f} ms, {longest_ms:.0f} ms may be taken "
            "(release.load_test.p95_ms, else max_latency_ms)"
        )
    return f"pass: {variant} answered {asked}, {len(faults)} failed, p95 {p95:.3g} ms"


def unsound(body: bytes, text: bytes) -> str:
    """What is wrong with an answer to ``{"instances": […]}``, or ""."""
    try:
        request, answer = json.loads(body), json.loads(text)
    except ValueError:
        return f"the answer is not JSON: {text[:80]!r}"
    predictions = answer.get("predictions") if isinstance(answer, dict) else None
    if not isinstance(predictions, list):
        return f"the answer has no predictions: {text[:80]!r}"
    instances = request.get("instances") if isinstance(request, dict) else None
    if isinstance(instances, list) and len(instances) != len(predictions):
        return f"{len(instances)} instances, but {len(predictions)} predictions"
    if any(not math.isfinite(number) for number in _numbers(predictions)):
        return "a prediction is not a finite number"
    return ""


def _numbers(value: Any) -> list[float]:
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)]
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [number for item in value for number in _numbers(item)] if isinstance(value, list) else []
    )

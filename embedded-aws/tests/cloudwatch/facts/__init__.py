"""What the real CloudWatch was recorded to answer, to be replayed here.

A fact is a question and the answer that AWS gave: in recordings that others published, in AWS's own
documentation, or in a message that somebody quoted. Each says where it is from. A fact matches when
ours is the same in every protocol that CloudWatch speaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cloudwatch.facts.stage import PROTOCOLS, Stage

ANY = object()
ABSENT = object()


class Only(dict[str, Any]):
    """These members and no others."""


@dataclass(frozen=True)
class Json:
    """A string that holds this as JSON."""

    content: Any


@dataclass(frozen=True)
class Fact:
    """One thing that is known of CloudWatch.

    Args:
        kind: What it is about.
        name: Unique within the kind.
        source: Where it is from.
        ask: Puts the question, and gives back what was answered.
        told: The answer of AWS.
    """

    kind: str
    name: str
    source: str
    ask: Callable[[Stage], Any]
    told: Any

    def difference(self) -> str:
        """How ours differs from the answer of AWS; "" where it does not."""
        for protocol in PROTOCOLS:
            with Stage(protocol) as stage:
                answer = self.ask(stage)
            for path, told, ours in _differences(self.told, answer, ""):
                return f"{protocol}{path}: AWS {told!r}, here {ours!r}"
        return ""


def refusal(code: str, message: Any, status: int = 400) -> dict[str, Any]:
    """An error as boto3 shows it."""
    return {"Error": {"Code": code, "Message": message}, "status": status}


def table(
    kind: str, source: str, rows: Iterable[tuple[str, Callable[[Stage], Any], Any]]
) -> list[Fact]:
    """Facts of one kind and source."""
    return [Fact(kind, name, source, ask, told) for name, ask, told in rows]


def _differences(told: Any, ours: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if told is ANY:
        if ours is ABSENT:
            yield path, "anything", "nothing"
    elif told is ABSENT:
        if ours is not ABSENT:
            yield path, "nothing", ours
    elif isinstance(told, Json):
        content = json.loads(ours) if isinstance(ours, str) and ours else ours
        yield from _differences(told.content, content, path)
    elif isinstance(told, re.Pattern):
        if not isinstance(ours, str) or not told.fullmatch(ours):
            yield path, told.pattern, ours
    elif isinstance(told, dict):
        if not isinstance(ours, dict):
            yield path, told, ours
            return
        for name, member in told.items():
            yield from _differences(member, ours.get(name, ABSENT), f"{path}.{name}")
        for name in set(ours) - set(told) if isinstance(told, Only) else ():
            yield f"{path}.{name}", "nothing", ours[name]
    elif isinstance(told, list):
        if not isinstance(ours, list) or len(ours) != len(told):
            yield path, told, ours
            return
        for i, (one, other) in enumerate(zip(told, ours, strict=True)):
            yield from _differences(one, other, f"{path}[{i}]")
    elif told != ours:
        yield path, told, ours

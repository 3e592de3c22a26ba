"""Selectors of JSON properties: ``$.a.b[0]``, ``$.['a.b']``, ``$.a[*].b``, ``$.*``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from embedded_aws.logs.patterns.scanner import PatternError, Scanner

# The name of a property, the index of an element, or None for any of both.
Step = str | int | None

_NAME = re.compile(r"[\w-]+")
_INDEX = re.compile(r"\[(\d{1,9}|\*)\]", re.ASCII)
_QUOTED = re.compile(r"\['([^']+)'\]")


class Numeral(str):
    """A number of a JSON document, as it was written."""

    __slots__ = ()


def read_document(message: str) -> dict[str, Any] | None:
    """A message that is a JSON object; None when it is none."""
    try:
        document = json.loads(
            message, parse_int=Numeral, parse_float=Numeral, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def read_selector(scanner: Scanner) -> tuple[Step, ...]:
    """A selector.

    Raises:
        PatternError: it is none, or has more than one wildcard.
    """
    scanner.expect("$")
    steps: list[Step] = []
    while (step := _read_step(scanner)) is not None:
        steps += step
    if not steps:
        raise scanner.error("a property is expected")
    if steps.count(None) > 1:
        raise PatternError("A property selector has at most one wildcard.")
    return tuple(steps)


def selector_of(reference: str) -> tuple[Step, ...] | None:
    """The selector that a reference is, for one value; None when it is none."""
    scanner = Scanner(reference, most_regexes=0)
    try:
        steps = read_selector(scanner)
        scanner.finish()
    except PatternError:
        return None
    return None if None in steps else steps


def selected(document: Any, steps: Iterable[Step]) -> list[Any]:
    """All nodes that a selector selects."""
    nodes = [document]
    for step in steps:
        nodes = [child for node in nodes for child in _children(node, step)]
    return nodes


def text_of(node: Any) -> str | None:
    """A string or a number as text; None for what is not compared."""
    return str(node) if isinstance(node, str) else None


def _children(node: Any, step: Step) -> Iterator[Any]:
    if isinstance(node, dict):
        if step is None:
            yield from node.values()
        elif step in node:
            yield node[step]
    elif isinstance(node, list):
        if step is None:
            yield from node
        elif isinstance(step, int) and step < len(node):
            yield node[step]


def _read_step(scanner: Scanner) -> list[Step] | None:
    """What comes next of a selector; None where it ends."""
    dot = scanner.text.startswith(".", scanner.at)
    scanner.at += dot
    if quoted := scanner.read(_QUOTED):
        return [quoted[2:-2]]
    if not dot and (index := scanner.read(_INDEX)):
        return [None if index == "[*]" else int(index[1:-1])]
    if not dot:
        return None
    if scanner.text.startswith("*", scanner.at):
        scanner.at += 1
        return [None]
    name = scanner.read(_NAME)
    if name is None:
        raise scanner.error("a property is expected")
    return [name]


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")

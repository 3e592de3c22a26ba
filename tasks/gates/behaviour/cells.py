"""Changes of a table's values and of texts. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tasks.specs.behaviour import BehaviourSpec

AUXILIARIES = (
    *("is", "are", "was", "were", "am", "has", "have", "had", "will", "would", "can", "could"),
    *("should", "shall", "must", "may", "might", "does", "do", "did"),
)
_AUXILIARY = re.compile(
    rf"\b({'|'.join(AUXILIARIES)})\b(?!\s+not\b)(?!n['’]t)", re.IGNORECASE
)  # fmt: skip
_CONTRACTED = re.compile(r"\b(can|[a-z]+)n['’]t\b|\bcannot\b", re.IGNORECASE)
_NOT = re.compile(r"\s+not\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
IRREGULAR = {"ca": "can", "wo": "will", "sha": "shall"}


def changed(rule: BehaviourSpec, value: Any, seed: int) -> Any:
    """A value as the rule changes it; the same value where it cannot be changed.

    Args:
        rule: A change of a column.
        value: Of a row; None is missing, and only ``set`` gives it a value.
        seed: Of what is left to chance; the same gives the same.
    """
    if rule.change == "set":
        return rule.to
    if value is None or rule.change == "clear":
        return None
    return _OF[rule.change](rule, value, seed)


def _number(value: Any, made: float) -> Any:
    """The number in the type of the value that it replaces."""
    return round(made) if isinstance(value, int) else made


def _multiplied(rule: BehaviourSpec, value: Any, _seed: int) -> Any:
    return _number(value, float(value) * (rule.by or 0.0))


def _added(rule: BehaviourSpec, value: Any, _seed: int) -> Any:
    return _number(value, float(value) + (rule.by or 0.0))


def negated(text: str) -> str:
    """A sentence that says the opposite, or as it was where no way is known.

    >>> negated("The food was good."), negated("It isn't bad"), negated("I loved it")
    ('The food was not good.', 'It is bad', 'I loved it')
    """
    contracted = _CONTRACTED.search(text)
    if contracted:
        stem = contracted.group(1)
        whole = "can" if stem is None else _plain(stem)
        return text[: contracted.start()] + whole + text[contracted.end() :]
    if _NOT.search(text):
        return _NOT.sub("", text, count=1)
    auxiliary = _AUXILIARY.search(text)
    if auxiliary is None:
        return text
    return f"{text[: auxiliary.end()]} not{text[auxiliary.end() :]}"


def _plain(stem: str) -> str:
    """``wo`` of ``won't`` → ``will``; ``is`` of ``isn't`` stays."""
    whole = IRREGULAR.get(stem.lower(), stem)
    return whole.capitalize() if stem[0].isupper() else whole


def mistyped(text: str, times: int, seed: int) -> str:
    """Neighbouring letters swapped, inside words of four letters or more, never a word's first."""
    chance = np.random.default_rng(seed)
    letters = list(text)
    words = list(_WORD.finditer(text))
    for _ in range(times if words else 0):
        word = words[int(chance.integers(len(words)))]
        place = int(chance.integers(word.start() + 1, word.end() - 1))
        letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return "".join(letters)


_OF: Mapping[str, Callable[[BehaviourSpec, Any, int], Any]] = {
    "multiply": _multiplied,
    "add": _added,
    "negate": lambda _rule, value, _seed: negated(str(value)),
    "typo": lambda rule, value, seed: mistyped(str(value), int(rule.by or 1), seed),
    "upper_case": lambda _rule, value, _seed: str(value).upper(),
    "append": lambda rule, value, _seed: f"{value} {rule.to}",
}

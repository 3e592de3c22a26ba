"""Conditions of a statement. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from embedded_aws.iam.patterns import Context, arn_matches, equals, matches

_Compares = Callable[[str, str, Context], bool]
"""A policy's value, a request's value, the request: whether they go together."""


class Operator(NamedTuple):
    """How one operator compares.

    Attributes:
        name: As a policy writes it.
        compares: A value with another, without the negation.
        negated: Whether it holds where nothing goes together.
        if_exists: Whether it holds where the request has no such key.
        every: ``ForAllValues`` (True), ``ForAnyValue`` (False), or neither (None).
    """

    name: str
    compares: _Compares
    negated: bool = False
    if_exists: bool = False
    every: bool | None = None


def operator(name: str) -> Operator | None:
    """An operator by its name, with ``IfExists`` and what stands before a colon; None: no such."""
    quantifier, colon, plain = name.partition(":")
    if not colon:
        quantifier, plain = "", name
    elif quantifier not in _EVERY:
        return None
    base = plain.removesuffix("IfExists")
    found = _OPERATORS.get(base)
    if found is None or (base == "Null" and name != base):
        return None
    compares, negated = found
    return Operator(base, compares, negated, base != plain, _EVERY.get(quantifier))


def holds(op: Operator, wanted: Sequence[str], key: str, context: Context) -> bool:
    """Whether a condition holds.

    Args:
        op: How its values are compared.
        wanted: The policy's values: one of them is enough.
        key: Of the request, in lower case.
        context: The request.
    """
    values = context.get(key, ())
    if op.name == "Null":
        return any((one.lower() == "true") != bool(values) for one in wanted)
    if not values:
        # No value is every value; what is negated holds of nothing, unless one must be there.
        return op.if_exists or (op.negated if op.every is None else op.every)

    def agrees(value: str) -> bool:
        return any(op.compares(one, value, context) for one in wanted) != op.negated

    if op.every or (op.every is None and op.negated):
        return all(agrees(value) for value in values)
    return any(agrees(value) for value in values)


def all_hold(
    conditions: Mapping[str, Mapping[str, Sequence[str]]], context: Context
) -> tuple[bool, frozenset[str]]:
    """Whether every condition of a statement holds, and the keys that the request lacks."""
    missing: set[str] = set()
    true = True
    for name, keys in conditions.items():
        op = operator(name)
        for key, wanted in keys.items():
            low = key.lower()
            if low not in context:
                missing.add(key)
            true &= op is not None and holds(op, wanted, low, context)
    return true, frozenset(missing)


def _ignoring_case(wanted: str, value: str, context: Context) -> bool:
    lowered = {key: tuple(one.lower() for one in values) for key, values in context.items()}
    return equals(wanted.lower(), value.lower(), lowered)


def _number(compare: Callable[[float, float], bool]) -> _Compares:
    def compares(wanted: str, value: str, _context: Context) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return compares


def _date(compare: Callable[[float, float], bool]) -> _Compares:
    def compares(wanted: str, value: str, _context: Context) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return False

    return compares


def _moment(text: str) -> float:
    """ISO 8601, or seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        moment = dt.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _boolean(wanted: str, value: str, _context: Context) -> bool:
    return wanted.lower() == value.lower()


def _address(wanted: str, value: str, _context: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


def _never(_wanted: str, _value: str, _context: Context) -> bool:
    raise AssertionError("Null compares nothing")


_EVERY = {"ForAllValues": True, "ForAnyValue": False}
_COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], bool]] = {
    "Equals": (lambda value, wanted: value == wanted, False),
    "NotEquals": (lambda value, wanted: value == wanted, True),
    "LessThan": (lambda value, wanted: value < wanted, False),
    "LessThanEquals": (lambda value, wanted: value <= wanted, False),
    "GreaterThan": (lambda value, wanted: value > wanted, False),
    "GreaterThanEquals": (lambda value, wanted: value >= wanted, False),
}
_OPERATORS: Mapping[str, tuple[_Compares, bool]] = {
    "StringEquals": (equals, False),
    "StringNotEquals": (equals, True),
    "StringEqualsIgnoreCase": (_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_ignoring_case, True),
    "StringLike": (matches, False),
    "StringNotLike": (matches, True),
    "ArnEquals": (arn_matches, False),
    "ArnLike": (arn_matches, False),
    "ArnNotEquals": (arn_matches, True),
    "ArnNotLike": (arn_matches, True),
    "Bool": (_boolean, False),
    "BinaryEquals": (equals, False),
    "IpAddress": (_address, False),
    "NotIpAddress": (_address, True),
    "Null": (_never, False),
    **{f"Numeric{name}": (_number(compare), no) for name, (compare, no) in _COMPARISONS.items()},
    **{f"Date{name}": (_date(compare), no) for name, (compare, no) in _COMPARISONS.items()},
}

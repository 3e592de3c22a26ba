"""CloudWatch's metric math for "fails more than the stable version, and not by chance". Pure.

In an incident that both versions share, one minute of a few requests differs from another by
chance alone, and an alarm that compares two shares rings: with 30 requests and a fifth of them
failing, the canary's share lies five points above the stable version's in every fourth minute. So
what chance makes is taken off first: four standard deviations of the difference of two shares.
"""

from __future__ import annotations

from typing import Any

DEVIATIONS = 4.0
"""Standard deviations. At most one minute of 4,000 of a shared incident rings by chance, and it
takes two in a row: a release of four hours has less than 0.002 % of such false alarms."""
MIN_ERRORS = 5
"""Errors in a period below which the alarm stays silent: one error of ten requests is no rate."""
MIN_REQUESTS = 5
"""Requests in a period below which a mean latency is nobody's."""


def shares(canary: tuple[str, str], stable: tuple[str, str]) -> tuple[list[dict[str, Any]], str]:
    """Metric math of how far the canary's share of errors exceeds the stable version's.

    Args:
        canary: Expressions of its errors and its requests.
        stable: The same of the stable version; may be without data, which counts as none.

    Returns:
        Queries that the expression needs, and the expression; 0 below MIN_ERRORS.
    """
    errors, requests = canary
    control = f"FILL({stable[0]},0)", f"FILL({stable[1]},0)"
    queries = [
        _query("pooled", f"({errors}+{control[0]})/({requests}+{control[1]})"),
        _query("chance", f"SQRT(pooled*(1-pooled)*(1/{requests}+1/({control[1]}+1)))"),
    ]
    share = f"{errors}/{requests}-{control[0]}/({control[1]}+0.001)"
    return queries, f"IF({errors}>={MIN_ERRORS},{share}-{DEVIATIONS:g}*chance,0)"


def slower(requests: str, canary: str, stable: str) -> str:
    """The canary's mean latency where it is more than twice the stable version's, else 0."""
    return f"IF({requests}>={MIN_REQUESTS},IF({canary}>2*FILL({stable},0),{canary},0),0)"


def _query(name: str, expression: str) -> dict[str, Any]:
    return {"Id": name, "Expression": expression, "ReturnData": False}

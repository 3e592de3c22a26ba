"""Lists of jobs: filters, order and pages. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

from embedded_aws.protocol.service import AwsFault

DEFAULT_PAGE = 10
_TIMES = ("CreationTime", "LastModifiedTime")


def page(
    summaries: Iterable[dict[str, Any]], params: dict[str, Any], kind: str = "TrainingJob"
) -> dict[str, Any]:
    """One page of jobs.

    As the service documents: with both ``StatusEquals`` and ``MaxResults``, the page is cut first
    and filtered by status then, so it may come out short, or even empty, with more to follow.

    Args:
        summaries: Summary of every job.
        params: Members of the request.
        kind: What its members begin with: ``TrainingJob``, ``ProcessingJob``.

    Raises:
        AwsFault: on a ``NextToken`` that was not given out.
    """
    named, standing = f"{kind}Name", f"{kind}Status"
    orders = {"Name": named, "Status": standing}
    status = params.get("StatusEquals")
    size = params.get("MaxResults")
    matches = [s for s in summaries if _matches(s[named], s, params)]
    if status and size is None:
        matches = [s for s in matches if s[standing] == status]
    key = orders.get(params.get("SortBy", ""), "CreationTime")
    matches.sort(
        key=lambda s: (s[key], s[named]),
        reverse=params.get("SortOrder") == "Descending",
    )
    answer = cut(matches, params, f"{kind}Summaries")
    if status:
        rows = answer[f"{kind}Summaries"]
        answer[f"{kind}Summaries"] = [s for s in rows if s[standing] == status]
    return answer


def cut(rows: Sequence[dict[str, Any]], params: dict[str, Any], member: str) -> dict[str, Any]:
    """One page of rows in their order, and the token of the next.

    Args:
        rows: All of them.
        params: Members of the request.
        member: What the answer calls them.

    Raises:
        AwsFault: on a ``NextToken`` that was not given out.
    """
    start = _offset(params.get("NextToken"))
    end = start + (params.get("MaxResults") or DEFAULT_PAGE)
    answer: dict[str, Any] = {member: list(rows[start:end])}
    if end < len(rows):
        answer["NextToken"] = base64.urlsafe_b64encode(f"jobs:{end}".encode()).decode()
    return answer


def _matches(job: str, summary: dict[str, Any], params: dict[str, Any]) -> bool:
    if params.get("NameContains", "").lower() not in job.lower():
        return False
    for name in _TIMES:
        after, before = params.get(f"{name}After"), params.get(f"{name}Before")
        moment = round(summary[name], 3)  # what a caller was told, and now asks about
        if after is not None and not moment > round(float(after), 3):
            return False
        if before is not None and not moment < round(float(before), 3):
            return False
    return "WarmPoolStatusEquals" not in params and "TrainingPlanArnEquals" not in params


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(token).decode().partition(":")
        if kind == "jobs":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass
    raise AwsFault("ValidationException", "Invalid NextToken.")

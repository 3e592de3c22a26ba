"""What every SageMaker ``List…`` action does: filter, sort, page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import World

DEFAULT_PAGE = 10


def arn(world: World, kind: str, name: str) -> str:
    """Resource name of a resource; SageMaker writes names in lower case there."""
    return f"arn:aws:sagemaker:{world.region}:{world.account_id}:{kind}/{name.lower()}"


def missing(what: str, resource: str) -> AwsFault:
    """The error for a resource that is not there."""
    return AwsFault("ValidationException", f'Could not find {what} "{resource}".')


def exists(what: str, resource: str) -> AwsFault:
    """The error for a name that is taken."""
    return AwsFault("ValidationException", f'Cannot create already existing {what} "{resource}".')


def page(
    rows: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    kind: str,
    member: str,
) -> dict[str, Any]:
    """One page of summaries.

    Args:
        rows: All summaries.
        params: The request: ``SortBy``, ``SortOrder``, ``NextToken``, ``MaxResults``,
            ``NameContains``, ``CreationTimeAfter``/``Before``, ``LastModifiedTime…``,
            ``StatusEquals``; times as unix seconds.
        kind: Prefix of the summary's members, e.g. ``Endpoint`` for ``EndpointName``.
        member: Name of the list in the answer.

    Raises:
        AwsFault: ``ValidationException`` on a token that was not given out.
    """
    name, status = f"{kind}Name", f"{kind}Status"
    keep = [row for row in rows if _matches(row, params, name, status)]
    column = {"Name": name, "Status": status}.get(params.get("SortBy", ""), "CreationTime")
    keep.sort(
        key=lambda row: (row[column], row[name]),
        reverse=params.get("SortOrder", "Descending") == "Descending",
    )
    start = _offset(params.get("NextToken"))
    end = start + int(params.get("MaxResults") or DEFAULT_PAGE)
    answer: dict[str, Any] = {member: [dict(row) for row in keep[start:end]]}
    if end < len(keep):
        answer["NextToken"] = base64.b64encode(f"offset:{end}".encode()).decode()
    return answer


def _matches(row: Mapping[str, Any], params: Mapping[str, Any], name: str, status: str) -> bool:
    if params.get("NameContains", "").lower() not in row[name].lower():
        return False
    if "StatusEquals" in params and row[status] != params["StatusEquals"]:
        return False
    for column in ("CreationTime", "LastModifiedTime"):
        if f"{column}After" in params and not row[column] >= float(params[f"{column}After"]):
            return False
        if f"{column}Before" in params and not row[column] <= float(params[f"{column}Before"]):
            return False
    return True


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        word, _, number = base64.b64decode(token, validate=True).decode().partition(":")
        if word == "offset" and number.isdigit():
            return int(number)
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise AwsFault("ValidationException", f"Invalid pagination token: {token}")

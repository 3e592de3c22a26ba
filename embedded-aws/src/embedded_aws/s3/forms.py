"""Forms that upload an object, and the policy that whoever signed one put into it.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from werkzeug.wrappers import Request as Form

from embedded_aws.protocol.service import AwsFault, Request
from embedded_aws.s3.objects import place_of

# Each signature with the fields that it needs; the first that is missing is told.
_SIGNED = {
    "x-amz-signature": ("policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date"),
    "signature": ("policy", "AWSAccessKeyId"),
}
_FREE = frozenset({"x-amz-signature", "signature", "awsaccesskeyid", "policy", "file"})
_FREE_PREFIX = "x-ignore-"


class _Upload(NamedTuple):
    """Fields by their names in lower case, and the sizes of files in bytes."""

    fields: Mapping[str, str]
    sizes: list[int]


def check_form(request: Request, now: float) -> None:
    """Hold a form to its policy. Its signature is the door's business.

    Args:
        request: PostObject.
        now: Real unix time: SDKs count a policy's expiration from it.

    Raises:
        AwsFault: ``AccessDenied``, ``EntityTooSmall``, ``EntityTooLarge``, ``InvalidArgument`` or
            ``InvalidPolicyDocument``.
    """
    fields, sizes = _read(request)
    if not fields.get("key"):
        raise _lacking("key")
    signature = next((name for name in _SIGNED if name in fields), None)
    if signature is not None:
        for name in _SIGNED[signature]:
            if name.lower() not in fields:
                raise _lacking(name)
    if len(sizes) != 1:
        raise AwsFault(
            "InvalidArgument",
            "POST requires exactly one file upload per request.",
            400,
            {"ArgumentName": "file", "ArgumentValue": len(sizes)},
        )
    if "policy" in fields:
        told = {**fields, "bucket": place_of(request).bucket}
        _check_policy(_policy(fields["policy"]), told, set(fields), sizes[0], now)


def key_in(request: Request) -> str:
    """The key under which a form uploads."""
    return _read(request).fields.get("key", "")


def access_key_in(request: Request) -> str:
    """The access key that a form's policy was signed with; "" where it bears none."""
    fields = _read(request).fields
    scope = fields.get("x-amz-credential", "").partition("/")[0]
    return scope or fields.get("awsaccesskeyid", "")


def _read(request: Request) -> _Upload:
    with Form.from_values(method="POST", headers=dict(request.headers), data=request.body) as form:
        form.max_form_memory_size = None
        fields = {name.lower(): value for name, value in form.form.items()}
        sizes = [len(file.read()) for file in form.files.getlist("file")]
        # A file without a name comes as a field.
        sizes += [len(value.encode()) for value in form.form.getlist("file")]
    return _Upload(fields, sizes)


def _policy(encoded: str) -> dict[str, Any]:
    try:
        policy = json.loads(base64.b64decode(encoded))
    except ValueError as error:
        raise _invalid("Invalid JSON.") from error
    for name, kind in (("expiration", str), ("conditions", list)):
        if not isinstance(policy, dict) or not isinstance(policy.get(name), kind):
            raise _invalid(f"Policy missing {name}.")
    return dict(policy)


def _check_policy(
    policy: Mapping[str, Any], told: Mapping[str, str], names: set[str], size: int, now: float
) -> None:
    if _expiration(policy["expiration"]) <= now:
        raise _denied("Policy expired.")
    free = set(_FREE)
    for condition in map(_as_list, policy["conditions"]):
        operator, name, value = condition
        if operator == "content-length-range":
            _check_size(condition, size)
            continue
        field = str(name).lower().removeprefix("$")
        free.add(field)
        if not (str(name).startswith("$") and _holds(operator, told.get(field), value)):
            raise _failed(condition)
    extra = sorted(name for name in names - free if not name.startswith(_FREE_PREFIX))
    if extra:
        raise _denied(f"Extra input fields: {extra[0]}")


def _as_list(condition: Any) -> list[Any]:
    """A condition in the form ``[operator, $field, value]``, in which S3 repeats it."""
    if isinstance(condition, dict):
        if len(condition) != 1:
            raise _invalid(
                "Invalid Simple-Condition: "
                "Simple-Conditions must have exactly one property specified."
            )
        ((name, value),) = condition.items()
        return ["eq", f"${name}", value]
    if not isinstance(condition, list) or len(condition) != 3:
        raise _invalid("Invalid Condition.")
    return [str(condition[0]).lower(), *condition[1:]]


def _holds(operator: str, value: str | None, wanted: Any) -> bool:
    if operator == "eq":
        return bool(value == wanted)
    return operator == "starts-with" and (value or "").startswith(str(wanted))


def _check_size(condition: list[Any], size: int) -> None:
    try:
        least, most = int(condition[1]), int(condition[2])
    except (TypeError, ValueError) as error:
        raise _failed(condition) from error
    if size < least:
        raise AwsFault(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
            400,
            {"ProposedSize": size, "MinSizeAllowed": least},
        )
    if size > most:
        raise AwsFault(
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
            400,
            {"ProposedSize": size, "MaxSizeAllowed": most},
        )


def _expiration(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _lacking(name: str) -> AwsFault:
    return AwsFault(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{name}'.  "
        "If it is specified, please check the order of the fields.",
        400,
        {"ArgumentName": name, "ArgumentValue": ""},
    )


def _failed(condition: list[Any]) -> AwsFault:
    return _denied(f"Policy Condition failed: {json.dumps(condition, ensure_ascii=False)}")


def _denied(why: str) -> AwsFault:
    return AwsFault("AccessDenied", f"Invalid according to Policy: {why}", 403)


def _invalid(why: str) -> AwsFault:
    return AwsFault("InvalidPolicyDocument", f"Invalid Policy: {why}")

"""What a request without a signature may do in S3: what a bucket's policy or an ACL gives to all.

As on AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html.
Stricter in one thing: a statement with a condition allows nothing, and denies whatever it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.admission.cors import CorsRule, matches
from embedded_aws.world import ACCOUNT_ID

_ACTIONS = {
    "GetObject": "GetObject",
    "HeadObject": "GetObject",
    "GetObjectTagging": "GetObjectTagging",
    "GetObjectAttributes": "GetObjectAttributes",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "PutObject": "PutObject",
    "DeleteObject": "DeleteObject",
}
_READING = frozenset({"GetObject", "ListBucket"})
_BY_ACL = {"GetObject": "READ", "ListBucket": "READ", "PutObject": "WRITE"}
_NO_BUCKETS = ("", "v20180820")  # the second is where the paths of S3 Control begin
_EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


def may_do(
    operation: str, bucket_name: str, key: str, *, versioned: bool = False, missing: bool = False
) -> bool:
    """Whether everybody may do something.

    Args:
        operation: S3's, e.g. ``ListObjectsV2``.
        bucket_name: The bucket.
        key: The object's key, "" for the bucket itself.
        versioned: Whether a version is named, which is a right of its own.
        missing: Whether one may ask for a bucket that does not exist; S3 answers NoSuchBucket.
    """
    action = _ACTIONS.get(operation, "")
    if not action or bucket_name in _NO_BUCKETS:
        return False
    bucket = _bucket(bucket_name)
    if bucket is None:
        return missing and action in _READING
    block = bucket.public_access_block
    by_acl = not (block and block.ignore_public_acls) and _acl_gives(bucket, action, key)
    resource = f"arn:aws:s3:::{bucket_name}" + (f"/{key}" if key else "")
    right = f"s3:{action}Version" if versioned and key else f"s3:{action}"
    statements = _statements(bucket.policy)
    if any(_covers(statement, "Deny", right, resource) for statement in statements):
        return False
    by_policy = not (block and block.restrict_public_buckets) and any(
        _covers(statement, "Allow", right, resource) for statement in statements
    )
    return by_acl or by_policy


def rules_of(bucket_name: str) -> list[CorsRule]:
    """The CORS rules of a bucket; none where it does not exist."""
    bucket = _bucket(bucket_name)
    return [
        CorsRule(
            tuple(rule.allowed_origins or ()),
            tuple(rule.allowed_methods or ()),
            tuple(rule.allowed_headers or ()),
            tuple(rule.exposed_headers or ()),
            str(rule.max_age_seconds or ""),
        )
        for rule in (bucket.cors if bucket is not None else ())
    ]


def _bucket(name: str) -> Any:
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)


def _acl_gives(bucket: Any, action: str, key: str) -> bool:
    right = _BY_ACL.get(action)
    if action == "GetObject":
        item = bucket.keys.get(key)
        acl = item.acl if item is not None else None
    else:
        acl = bucket.acl
    return any(
        grantee.uri == _EVERYBODY and {right, "FULL_CONTROL"} & set(grant.permissions)
        for grant in (acl.grants if acl is not None else ())
        for grantee in grant.grantees
    )


def _statements(policy: bytes | str | None) -> list[Mapping[str, Any]]:
    if not policy:
        return []
    try:
        found = json.loads(policy).get("Statement", [])
    except ValueError:
        return []
    return [item for item in _listed(found) if isinstance(item, Mapping)]


def _covers(statement: Mapping[str, Any], effect: str, action: str, resource: str) -> bool:
    if statement.get("Effect") != effect or (effect == "Allow" and statement.get("Condition")):
        return False
    return (
        _means_everybody(statement, effect)
        and _among(statement, "Action", action.lower(), lower=True)
        and _among(statement, "Resource", resource)
    )


def _means_everybody(statement: Mapping[str, Any], effect: str) -> bool:
    if "NotPrincipal" in statement:
        return effect == "Deny"
    principal = statement.get("Principal")
    named = _listed(principal.get("AWS") if isinstance(principal, Mapping) else principal)
    return "*" in named


def _among(statement: Mapping[str, Any], name: str, value: str, *, lower: bool = False) -> bool:
    """Whether a value is among ``name`` of a statement, or not among its ``Not…``."""
    negated = f"Not{name}" in statement
    patterns = [str(item) for item in _listed(statement.get(f"Not{name}" if negated else name))]
    found = any(matches(item.lower() if lower else item, value) for item in patterns)
    return found != negated


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else [value]

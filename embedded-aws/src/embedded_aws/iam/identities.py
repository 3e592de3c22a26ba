"""Users and roles of moto's IAM, and the policies that they have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from embedded_aws.iam.policy import Policy
from embedded_aws.world import ACCOUNT_ID

_OURS = "arn:aws:iam::aws:"
"""How ARNs of AWS's own managed policies begin."""


class Identity(NamedTuple):
    """A user, group or role.

    Attributes:
        arn: Its ARN.
        policies: Of its own, and of its groups.
        boundary: Its permissions boundary: None where there is none.
    """

    arn: str
    policies: tuple[Policy, ...]
    boundary: tuple[Policy, ...] | None


def identity(arn: str) -> Identity | None:
    """Who has an ARN: a user, a group, or a role, or a session of one; None where nobody does.

    Raises:
        PolicyError: one of its policies is not of the grammar.
    """
    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    backend = _backend()
    if kind == "assumed-role":
        kind, name = "role", path.partition("/")[0]
    if kind == "user":
        found = next((u for u in list(backend.users.values()) if u.name == name), None)
        if found is None:
            return None
        groups = [group for group in list(backend.groups.values()) if found in group.users]
        policies = (*_of(found, "user"), *(p for group in groups for p in _of(group, "group")))
    elif kind == "group":
        found = backend.groups.get(name)
        policies = tuple(_of(found, "group")) if found else ()
    elif kind == "role":
        found = next((r for r in list(backend.roles.values()) if r.name == name), None)
        policies = tuple(_of(found, "role")) if found else ()
    else:
        found = None
    if found is None:
        return None
    return Identity(found.arn, policies, _boundary(found))


def owner_of(access_key: str) -> str:
    """ARN of the user or role session whose access key it is; "" where nobody's."""
    for user in list(_backend().users.values()):
        keys = [key for key in list(user.access_keys) if key.status == "Active"]
        if any(key.access_key_id == access_key for key in keys):
            return str(user.arn)
    session = _session(access_key)
    return "" if session is None else str(session.arn)


def session_policies(access_key: str) -> tuple[Policy, ...] | None:
    """What was handed over when a role was assumed; None where nothing was.

    Raises:
        PolicyError: it is not of the grammar.
    """
    session = _session(access_key)
    document = None if session is None else session.policy
    return (Policy.read(document, "session"),) if document else None


def arn_of(arn: str) -> str:
    """An ARN with the path that a role or user has; any other as it is."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if not arn.startswith("arn:aws:iam:") or kind not in {"role", "user"} or "/" in name:
        return arn
    held = _backend().roles if kind == "role" else _backend().users
    return next((str(one.arn) for one in list(held.values()) if one.name == name), arn)


def trust_of(role_arn: str) -> Policy | None:
    """Who may assume a role; None where there is no such role.

    Raises:
        PolicyError: it is not of the grammar.
    """
    known = (role for role in list(_backend().roles.values()) if role.arn == role_arn)
    role = next(known, None)
    return None if role is None else Policy.read(role.assume_role_policy_document, role.name)


def _session(access_key: str) -> Any:
    from moto.sts.models import sts_backends

    assumed = sts_backends[ACCOUNT_ID]["aws"].assumed_roles
    return next((one for one in list(assumed) if one.access_key_id == access_key), None)


def _of(holder: Any, kind: str) -> Iterator[Policy]:
    for name, document in list(holder.policies.items()):
        yield Policy.read(document, f"{kind}_{holder.name}_{name}", kind)
    for arn, managed in list(holder.managed_policies.items()):
        ours = "aws-managed" if arn.startswith(_OURS) else "user-managed"
        yield Policy.read(_document(managed), managed.name, ours)


def _boundary(holder: Any) -> tuple[Policy, ...] | None:
    arn = getattr(holder, "permissions_boundary_arn", None)
    if not arn:
        return None
    known = (one for one in list(_backend().managed_policies.values()) if one.arn == arn)
    # A boundary that is not there allows nothing.
    return tuple(Policy.read(_document(one), one.name) for one in known)


def _document(managed: Any) -> Any:
    """Of the version that is in force."""
    return next(
        one.document for one in managed.versions if one.version_id == managed.default_version_id
    )


def _backend() -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[ACCOUNT_ID]["aws"]

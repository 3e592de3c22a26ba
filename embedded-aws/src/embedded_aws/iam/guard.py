"""Whether who asks may: every request is held to the policies of its user, role and bucket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.admission.signatures import is_signed
from embedded_aws.clock import Clock
from embedded_aws.iam.evaluation import Decision, Policies, decide
from embedded_aws.iam.identities import Identity, arn_of, identity, owner_of, session_policies
from embedded_aws.iam.policy import Policy, PolicyError, Question
from embedded_aws.iam.requests import Right, Where, general, rights
from embedded_aws.iam.trust import trusts
from embedded_aws.protocol import operations
from embedded_aws.protocol.service import AwsFault, Request
from embedded_aws.s3.forms import access_key_in
from embedded_aws.s3.objects import bucket_of
from embedded_aws.world import ACCOUNT_ID

OWN_KEY = "embedded"
"""The access key of the account's owner, who may everything: ``environment()`` tells it."""
_VERSION_4 = re.compile(r"\bCredential=([^/,\s]+)/")
_VERSION_2 = re.compile(r"AWS ([^:\s]+):")
_OPEN = ("sts", "GetCallerIdentity")
"""What needs no right."""
_UNASKED = {
    ("sts", "GetSessionToken"): "sessions of GetSessionToken: assume a role",
    ("sts", "GetFederationToken"): "federated users: assume a role",
    ("dynamodb", "ExecuteStatement"): "rights of PartiQL: ask by items",
    ("dynamodb", "BatchExecuteStatement"): "rights of PartiQL: ask by items",
    ("dynamodb", "ExecuteTransaction"): "rights of PartiQL: ask by items",
}
"""What cannot be held to policies here, and so is not carried out while they are enforced."""


class Guard:
    """Decides on requests by IAM's policies.

    Args:
        clock: Virtual clock, for conditions on times.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, request: Request) -> None:
        """Let pass what is allowed.

        Raises:
            AwsFault: ``AccessDenied`` in AWS's words, ``InvalidClientTokenId`` for a key that is
                nobody's, ``SerializationException`` for a body that cannot be read.
        """
        key = access_key(request)
        if key == OWN_KEY or (not key and not is_signed(request)):
            return  # the owner, or what the door gives to everybody
        principal = owner_of(key) if key else ""
        if not principal:
            raise AwsFault(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                403,
            )
        asked = (request.service, request.action)
        if asked == _OPEN:
            return
        members = _members(request)
        unasked = _UNASKED.get(asked) or ("PolicyArns: hand a Policy over" * _hands_arns(members))
        if unasked:
            raise AwsFault(
                "AccessDenied", f"With IAM enforced the embedded AWS knows no {unasked}.", 403
            )
        for right in rights(request, members, Where(request.region, ACCOUNT_ID)):
            known = right._replace(resource=arn_of(right.resource))
            decision = self._decided(request, known, principal, key)
            if decision.outcome != "allowed":
                raise _denied(principal, known, decision)

    def _decided(self, request: Request, right: Right, principal: str, key: str) -> Decision:
        try:
            who = identity(principal) or Identity(principal, (), None)
            role = who.arn if who.arn != principal else ""
            question = Question(
                right.action,
                right.resource,
                {**general(self._clock.now(), request.region, principal, role), **right.context},
                principal,
                role,
                ACCOUNT_ID,
            )
            policies = Policies(
                identity=who.policies,
                resource=_of_resource(request, right),
                boundary=who.boundary,
                session=session_policies(key),
            )
            decision = decide(question, policies)
            if right.action.lower() == "sts:assumerole" and decision.outcome != "explicitDeny":
                return trusts(question, allowed=decision.outcome == "allowed")
        except PolicyError as error:
            raise AwsFault("AccessDenied", f"A policy cannot be read: {error}", 403) from error
        return decision


def access_key(request: Request) -> str:
    """The access key that a request bears; "" where it bears none that can be read."""
    header = request.headers.get("authorization", "")
    if header:
        found = _VERSION_4.search(header) or _VERSION_2.match(header)
        return found[1] if found else ""
    query = parse_qs(request.query)
    for name in ("X-Amz-Credential", "AWSAccessKeyId"):
        if name in query:
            return query[name][0].partition("/")[0]
    if request.action == "PostObject":
        return access_key_in(request)
    return ""


def _members(request: Request) -> Mapping[str, Any]:
    """What a request names; one that nobody can read names nothing, and is not let pass for that.

    Raises:
        AwsFault: ``SerializationException``.
    """
    members = operations.parameters_of(request)
    if not members and request.body.strip() not in {b"", b"{}"} and request.service != "s3":
        raise AwsFault("SerializationException", "The body of the request cannot be read.")
    return members


def _hands_arns(members: Mapping[str, Any]) -> bool:
    return any(name.startswith("PolicyArns") for name in members)


def _of_resource(request: Request, right: Right) -> tuple[Policy, ...]:
    """The bucket's policy; those of other resources are not asked."""
    if request.service != "s3" or not right.resource.startswith("arn:aws:s3:::"):
        return ()
    bucket = bucket_of(right.resource.removeprefix("arn:aws:s3:::").partition("/")[0])
    document = getattr(bucket, "policy", None)
    if not document:
        return ()
    text = document.decode() if isinstance(document, bytes) else str(document)
    return (Policy.read(text, "bucket", "resource"),)


def _denied(principal: str, right: Right, decision: Decision) -> AwsFault:
    explicit = decision.outcome == "explicitDeny"
    because = (
        f"with an explicit deny in {_kind(decision)} policy"
        if explicit
        else "because no permissions boundary allows the action"
        if decision.within_boundary is False
        else f"because no identity-based policy allows the {right.action} action"
    )
    return AwsFault(
        "AccessDenied",
        f"User: {principal} is not authorized to perform: {right.action} on resource: "
        f'"{right.resource}" {because}',
        403,
    )


def _kind(decision: Decision) -> str:
    of_resource = all(one.kind == "resource" for one in decision.matched)
    return "a resource-based" if of_resource else "an identity-based"

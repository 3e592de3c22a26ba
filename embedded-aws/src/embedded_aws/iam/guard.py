"""Whether who asks may: every request is held to the policies of its user, role and bucket."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.iam.evaluation import Decision, Policies, decide
from embedded_aws.iam.identities import Identity, identity, owner_of, session_policies, trust_of
from embedded_aws.iam.policy import Policy, PolicyError, Question
from embedded_aws.iam.requests import SAGEMAKER, Right, Where, general, rights
from embedded_aws.protocol import operations
from embedded_aws.protocol.service import AwsFault, Request
from embedded_aws.s3.objects import bucket_of, place_of
from embedded_aws.world import ACCOUNT_ID

OWN_KEY = "embedded"
"""The access key of the account's owner, who may everything: ``environment()`` tells it."""
_KEY = re.compile(r"Credential=([^/,\s]+)/|X-Amz-Credential=([^%/&]+)(?:%2F|/)")
_OPEN = frozenset({"GetCallerIdentity"})
"""What needs no right."""


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
            AwsFault: ``AccessDenied`` in AWS's words, or ``InvalidClientTokenId`` for a key that is
                nobody's.
        """
        key = access_key(request)
        if key in {OWN_KEY, ""} or request.action in _OPEN:
            return
        principal = owner_of(key)
        if not principal:
            raise AwsFault(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                403,
            )
        members = operations.parameters_of(request)
        where = Where(request.region, ACCOUNT_ID)
        for right in rights(request, members, where):
            decision = self._decided(request, right, principal, key)
            if decision.outcome != "allowed":
                raise _denied(principal, right, decision)

    def _decided(self, request: Request, right: Right, principal: str, key: str) -> Decision:
        try:
            who = identity(principal) or Identity(principal, (), None)
            question = Question(
                right.action,
                right.resource,
                {**general(self._clock.now(), request.region, principal), **right.context},
                tuple({principal, who.arn}),
                ACCOUNT_ID,
            )
            policies = Policies(
                identity=who.policies,
                resource=_of_resource(request, right),
                boundary=who.boundary,
                session=session_policies(key),
            )
            return decide(question, policies)
        except PolicyError as error:
            raise AwsFault("AccessDenied", f"A policy cannot be read: {error}", 403) from error


def access_key(request: Request) -> str:
    """The access key that a request bears; "" where it bears none."""
    found = _KEY.search(request.headers.get("authorization", "")) or _KEY.search(request.query)
    return next((group for group in found.groups() if group), "") if found else ""


def session_of(role_arn: str, name: str, region: str) -> Mapping[str, str]:
    """Credentials of a role, as a service of AWS assumes it for a job or an endpoint.

    Raises:
        AwsFault: ``ValidationException``: there is no such role, or it does not trust SageMaker.
    """
    from moto.sts.models import sts_backends

    if not _trusts(role_arn):
        raise AwsFault(
            "ValidationException",
            f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
            f"principal '{SAGEMAKER}' to assume the role.",
        )
    made: Any = sts_backends[ACCOUNT_ID]["aws"].assume_role(
        region_name=region,
        role_session_name=f"{name[:40]}-{int(time.time())}",
        role_arn=role_arn,
        policy="",
        duration=3600,
        external_id="",
    )
    return {
        "AWS_ACCESS_KEY_ID": made.access_key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret_access_key,
        "AWS_SESSION_TOKEN": made.session_token,
    }


def _trusts(role_arn: str) -> bool:
    try:
        trust = trust_of(role_arn)
    except PolicyError:
        return False
    return trust is not None and any(
        statement.effect == "Allow"
        and "sts:assumerole" in {action.lower() for action in statement.actions}
        and SAGEMAKER in (statement.principals or {}).get("Service", ())
        for statement in trust.statements
    )


def _of_resource(request: Request, right: Right) -> tuple[Policy, ...]:
    """The bucket's policy; those of other resources are not asked."""
    if request.service != "s3" or not right.resource.startswith("arn:aws:s3:::"):
        return ()
    bucket = bucket_of(place_of(request).bucket)
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

"""Whom a role lets in, people and SageMaker alike."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from embedded_aws.iam.conditions import all_hold
from embedded_aws.iam.evaluation import Decision
from embedded_aws.iam.identities import trust_of
from embedded_aws.iam.patterns import matches
from embedded_aws.iam.policy import PolicyError, Question, Statement
from embedded_aws.iam.requests import SAGEMAKER
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import ACCOUNT_ID

_ASSUME = "sts:assumerole"


def trusts(question: Question, *, allowed: bool) -> Decision:
    """Whether a role's trust policy lets in who asks to assume it.

    Args:
        question: ``resource`` is the role.
        allowed: Whether the principal's own policies allow it: needed where the role trusts the
            account, and not where it names the principal.

    Raises:
        PolicyError: the trust policy is not of the grammar.
    """
    trust = trust_of(question.resource)
    stated = trust.statements if trust else ()
    applying = [one for one in stated if one.applies(question)[0]]
    denying = tuple(one for one in applying if one.effect == "Deny")
    if denying:
        return Decision("explicitDeny", denying)
    by = {one.names(question) for one in applying if one.effect == "Allow"}
    if by & {"itself", "role"} or (allowed and "account" in by):
        return Decision("allowed", tuple(applying))
    return Decision("implicitDeny")


def session_of(role_arn: str, name: str, region: str) -> Mapping[str, str]:
    """Credentials of a role, as SageMaker assumes it for a job or an endpoint.

    Raises:
        AwsFault: ``ValidationException``: there is no such role, or it does not trust SageMaker.
    """
    from moto.sts.models import sts_backends

    if not _lets_sagemaker_in(role_arn):
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


def _lets_sagemaker_in(role_arn: str) -> bool:
    try:
        trust = trust_of(role_arn)
    except PolicyError:
        return False
    effects = {one.effect for one in (trust.statements if trust else ()) if _is_of_sagemaker(one)}
    return effects == {"Allow"}


def _is_of_sagemaker(statement: Statement) -> bool:
    named = statement.principals or {}
    acts = any(matches(one.lower(), _ASSUME) for one in statement.actions)
    context = {"aws:sourceaccount": (ACCOUNT_ID,)}
    return (
        acts != statement.negated_actions
        and (SAGEMAKER in named.get("Service", ()) or "*" in named.get("AWS", ()))
        and all_hold(statement.conditions, context)[0]
    )

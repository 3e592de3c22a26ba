"""What several policies say together. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
within one account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from embedded_aws.iam.policy import Policy, Question, Statement

Outcome = Literal["allowed", "explicitDeny", "implicitDeny"]


@dataclass(frozen=True)
class Policies:
    """All policies that have a say in one request.

    Args:
        identity: Of the user or role, and of the user's groups.
        resource: Of what is asked for.
        boundary: The permissions boundary: None where there is none.
        session: Handed over when the role was assumed: None where there is none.
    """

    identity: tuple[Policy, ...] = ()
    resource: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None


@dataclass(frozen=True)
class Decision:
    """What became of a question.

    Args:
        outcome: In the words of ``EvalDecision``.
        matched: The statements that decided.
        missing: Keys that conditions asked for and the request did not have.
        within_boundary: Whether the boundary allows it: None where there is none.
    """

    outcome: Outcome
    matched: tuple[Statement, ...] = ()
    missing: frozenset[str] = field(default_factory=frozenset)
    within_boundary: bool | None = None


def decide(question: Question, policies: Policies) -> Decision:
    """Deny before allow, allow where both identity and its bounds or the resource say so."""
    bounds = [one for one in (policies.boundary, policies.session) if one is not None]
    everything = (*policies.identity, *policies.resource, *(p for bound in bounds for p in bound))
    denying, lacking = _applying(everything, "Deny", question)
    boundary = None if policies.boundary is None else _allows(policies.boundary, question)
    if denying:
        return Decision("explicitDeny", denying, lacking, boundary)
    own, missing = _applying(policies.identity, "Allow", question)
    given, more = _applying(policies.resource, "Allow", question)
    missing |= lacking | more
    by = {statement.names(question) for statement in given}
    bounded = all(_allows(bound, question) for bound in bounds)
    if "itself" in by or (bounded and (own or "role" in by)):
        return Decision("allowed", (*own, *given), missing, boundary)
    return Decision("implicitDeny", (), missing, boundary)


def _allows(policies: Iterable[Policy], question: Question) -> bool:
    return bool(_applying(policies, "Allow", question)[0])


def _applying(
    policies: Iterable[Policy], effect: str, question: Question
) -> tuple[tuple[Statement, ...], frozenset[str]]:
    """Statements with an effect that decide, and the keys that the request lacks for any."""
    found: list[Statement] = []
    missing: set[str] = set()
    for policy in policies:
        for statement in policy.statements:
            if statement.effect != effect:
                continue
            true, lacking = statement.applies(question)
            missing |= lacking
            if true:
                found.append(statement)
    return tuple(found), frozenset(missing)

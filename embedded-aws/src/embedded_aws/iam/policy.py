"""Policies as they are written. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from embedded_aws.iam.conditions import all_hold, operator
from embedded_aws.iam.patterns import Context, arn_matches, matches, variables

Named = Literal["itself", "role", "account"]
"""How a resource's policy names who asks."""
VERSIONS = ("2012-10-17", "2008-10-17")
_KEYS = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
        "NotResource", "Condition",
    }
)  # fmt: skip


class PolicyError(ValueError):
    """A policy is not of the grammar; the message says where."""


@dataclass(frozen=True)
class Question:
    """What somebody wants to do.

    Args:
        action: ``s3:GetObject``.
        resource: Its ARN, or ``*``.
        context: Further values of the request, by key in lower case.
        principal: ARN of who asks, a user or a role's session; "" for nobody that a resource's
            policy could name.
        role: ARN of the session's role; "" of users.
        account: Whose account it is.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    principal: str = ""
    role: str = ""
    account: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement, each list as it is written."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    negated_actions: bool = False
    negated_resources: bool = False
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    principals: Mapping[str, Sequence[str]] | None = None
    negated_principals: bool = False
    sid: str = ""
    source: str = ""
    kind: str = "none"

    def speaks_of(self, question: Question) -> bool:
        """Whether action and resource are among its own, and the principal where it names any."""
        action = question.action.lower()
        acts = any(matches(one.lower(), action) for one in self.actions) != self.negated_actions
        about = (
            any(arn_matches(one, question.resource, question.context) for one in self.resources)
            != self.negated_resources
        )
        return acts and about and (self.principals is None or self.names(question) is not None)

    def applies(self, question: Question) -> tuple[bool, frozenset[str]]:
        """Whether it decides, and the keys that the request lacks for its conditions."""
        if not self.speaks_of(question):
            return False, frozenset()
        true, missing = all_hold(self.conditions, question.context)
        asked = frozenset(key for one in self.resources for key in variables(one))
        return true, missing | {key for key in asked if key not in question.context}

    def names(self, question: Question) -> Named | None:
        """By what its principals name who asks; None where they do not.

        An account's ARN means whoever in it is allowed to by policies of its own, so that it gives
        nothing; what a role is given is bounded by its boundary and its session's policies.
        """
        named = (self.principals or {}).get("AWS", ())
        account = {question.account, f"arn:aws:iam::{question.account}:root"}
        found: Named | None = None
        if "*" in named or (question.principal and question.principal in named):
            found = "itself"
        elif question.role and question.role in named:
            found = "role"
        elif question.principal and account & set(named):
            found = "account"
        if self.negated_principals:
            return "itself" if found is None else None
        return found


@dataclass(frozen=True)
class Policy:
    """A policy document, and where it is from."""

    statements: tuple[Statement, ...]

    @classmethod
    def read(
        cls, document: str | Mapping[str, Any], source: str = "", kind: str = "none"
    ) -> Policy:
        """A policy from its document.

        Args:
            document: JSON, or what it says.
            source: Its name, for who asks what has decided.
            kind: What it is attached to, in the words of ``SourcePolicyType``.

        Raises:
            PolicyError: it is not of the grammar.
        """
        if isinstance(document, str):
            try:
                document = json.loads(document)
            except ValueError as error:
                raise PolicyError(f"Syntax errors in policy: {error}.") from error
        if not isinstance(document, Mapping):
            raise PolicyError("Syntax errors in policy: it is no object.")
        if document.get("Version", VERSIONS[-1]) not in VERSIONS:
            raise PolicyError(f"The policy must contain a valid version string: {VERSIONS[0]}.")
        stated = document.get("Statement")
        if stated is None:
            raise PolicyError("Syntax errors in policy: it has no Statement.")
        return cls(tuple(_statement(one, source, kind) for one in _listed(stated)))


def _statement(raw: Any, source: str, kind: str) -> Statement:
    if not isinstance(raw, Mapping):
        raise PolicyError("Syntax errors in policy: a statement is no object.")
    if unknown := sorted(set(raw) - _KEYS):
        raise PolicyError(f"Syntax errors in policy: a statement has no {', '.join(unknown)}.")
    effect = raw.get("Effect")
    if effect not in {"Allow", "Deny"}:
        raise PolicyError(f"Syntax errors in policy: Effect is {effect!r}.")
    actions, negated_actions = _one_of(raw, "Action")
    resources, negated_resources = _one_of(raw, "Resource", needed=not _has_principal(raw))
    principals, negated_principals = None, "NotPrincipal" in raw
    if _has_principal(raw):
        principals = _principals(raw.get("NotPrincipal" if negated_principals else "Principal"))
    return Statement(
        effect=effect,
        actions=actions,
        resources=resources or ("*",),
        negated_actions=negated_actions,
        negated_resources=negated_resources,
        conditions=dict(_conditions(raw.get("Condition") or {})),
        principals=principals,
        negated_principals=negated_principals,
        sid=str(raw.get("Sid", "")),
        source=source,
        kind=kind,
    )


def _has_principal(raw: Mapping[str, Any]) -> bool:
    return "Principal" in raw or "NotPrincipal" in raw


def _one_of(
    raw: Mapping[str, Any], name: str, *, needed: bool = True
) -> tuple[tuple[str, ...], bool]:
    """What stands under a name, or under ``Not`` and the name, and whether it is the latter."""
    negated = f"Not{name}" in raw
    if negated and name in raw:
        raise PolicyError(f"Syntax errors in policy: a statement has {name} and Not{name}.")
    values = tuple(_words(raw.get(f"Not{name}" if negated else name, ()), name))
    if needed and not values:
        raise PolicyError(f"Policy statement must contain {name.lower()}s.")
    return values, negated


def _principals(raw: Any) -> Mapping[str, Sequence[str]]:
    if raw == "*":
        return {"AWS": ("*",)}
    if not isinstance(raw, Mapping):
        raise PolicyError(f"Invalid principal in policy: {raw!r}.")
    return {str(kind): tuple(_words(named, "Principal")) for kind, named in raw.items()}


def _conditions(raw: Any) -> Iterator[tuple[str, Mapping[str, Sequence[str]]]]:
    if not isinstance(raw, Mapping):
        raise PolicyError("Syntax errors in policy: Condition is no object.")
    for name, keys in raw.items():
        if operator(str(name)) is None:
            raise PolicyError(f"Invalid Condition type : {name}.")
        if not isinstance(keys, Mapping):
            raise PolicyError(f"Syntax errors in policy: {name} is no object.")
        yield str(name), {str(key): tuple(_texts(values)) for key, values in keys.items()}


def _words(raw: Any, name: str) -> Iterator[str]:
    for one in _listed(raw):
        if not isinstance(one, str):
            raise PolicyError(f"Syntax errors in policy: {name} holds {one!r}.")
        yield one


def _texts(raw: Any) -> Iterator[str]:
    for one in _listed(raw):
        yield ("true" if one else "false") if isinstance(one, bool) else str(one)


def _listed(raw: Any) -> Sequence[Any]:
    return raw if isinstance(raw, list | tuple) else [raw]

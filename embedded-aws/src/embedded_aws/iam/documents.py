"""Policies are kept as text, however they came."""

from __future__ import annotations

import functools
import json
from typing import Any


def teach_documents() -> None:
    """Let moto's roles keep a policy that CloudFormation makes as JSON. Safe to repeat.

    moto keeps the mapping, and tells it in Python's words.
    """
    from moto.iam.models import Role

    if hasattr(Role.put_policy, "__wrapped__"):
        return
    plain = Role.put_policy

    @functools.wraps(plain)
    def put_policy(self: Any, policy_name: str, policy_json: Any) -> None:
        text = policy_json if isinstance(policy_json, str) else json.dumps(policy_json)
        plain(self, policy_name, text)

    setattr(Role, "put_policy", put_policy)  # noqa: B010  mypy forbids to assign to a method

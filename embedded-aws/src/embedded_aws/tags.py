"""Tags of SageMaker resources, by ARN."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

from embedded_aws.protocol.service import AwsFault
from embedded_aws.state.records import Records

_LIMIT = 50
KIND = "sagemaker.tags"


class Tags:
    """AddTags, ListTags and DeleteTags for whatever a ``Create…`` action has made."""

    def __init__(self, records: Records) -> None:
        self._lock = threading.Lock()
        self._records = records
        self._by_arn: dict[str, dict[str, str]] = {
            record["arn"]: record["tags"] for record in records.all(KIND)
        }

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Handlers by API action."""
        return {"AddTags": self._add, "ListTags": self._list, "DeleteTags": self._delete}

    def observe(self, action: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
        """Learn the tags of a resource when it is made; forget them when it is deleted."""
        if action.startswith("Create"):
            for name, arn in answer.items():
                if name.endswith("Arn"):
                    with self._lock:
                        self._set(arn, _pairs(params.get("Tags") or []))
        elif action.startswith("Delete") and action != "DeleteTags":
            kind = action.removeprefix("Delete")
            path = re.sub(r"(?<!^)([A-Z])", r"-\1", kind).lower()
            name = str(params.get(f"{kind}Name", "")).lower()
            ending = name if name.startswith("arn:") else f":{path}/{name}"
            with self._lock:
                for arn in [arn for arn in self._by_arn if arn.lower().endswith(ending)]:
                    self._records.drop(KIND, arn)
                    del self._by_arn[arn]

    def put(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Give a resource, which no ``Create…`` action of a customer has made, its tags."""
        with self._lock:
            self._set(arn, _pairs(tags))

    def of(self, arn: str) -> dict[str, str]:
        """Tags of a resource; none of one that is not there."""
        with self._lock:
            return dict(self._by_arn.get(arn, {}))

    def _set(self, arn: str, tags: dict[str, str]) -> None:
        self._records.put(KIND, arn, {"arn": arn, "tags": tags})
        self._by_arn[arn] = tags

    def _add(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = {**self._of(params), **_pairs(params["Tags"])}
            if len(tags) > _LIMIT:
                raise AwsFault("ResourceLimitExceeded", f"Too many tags: at most {_LIMIT}.")
            self._set(params["ResourceArn"], tags)
            return {"Tags": _members(tags)}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            return {"Tags": _members(self._of(params))}

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            keys = set(params["TagKeys"])
            tags = {key: value for key, value in self._of(params).items() if key not in keys}
            self._set(params["ResourceArn"], tags)
        return {}

    def _of(self, params: dict[str, Any]) -> dict[str, str]:
        arn = params["ResourceArn"]
        if arn not in self._by_arn:
            raise AwsFault("ValidationException", f"Could not find resource with ARN {arn}.")
        return self._by_arn[arn]


def _pairs(members: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in members}


def _members(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]

"""Dashboards: kept and given back; their body must be JSON with a list of widgets."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.dashboard_body import read_body
from embedded_aws.cloudwatch.pages import page
from embedded_aws.protocol.service import AwsFault

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 255


@dataclass
class Dashboard:
    """One dashboard."""

    arn: str
    body: str
    modified: float
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Dashboards:
    """All dashboards of the account.

    Args:
        clock: Virtual clock.
        account: For ARNs, which name no region.
    """

    clock: Clock
    account: str
    boards: dict[str, Dashboard] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Create or replace a dashboard; what may not be drawn is told as a warning.

        Raises:
            AwsFault: ``InvalidParameterInput`` with messages, ``InvalidParameterValue`` for a name.
        """
        name, body = params["DashboardName"], params["DashboardBody"]
        _check_name(name)
        warnings = read_body(body)
        with self._lock:
            old = self.boards.get(name)
            tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
            arn = f"arn:aws:cloudwatch::{self.account}:dashboard/{name}"
            self.boards[name] = Dashboard(arn, body, self.clock.now(), old.tags if old else tags)
        return {"DashboardValidationMessages": warnings}

    def get(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """One dashboard.

        Raises:
            AwsFault: ``ResourceNotFound``.
        """
        name = params["DashboardName"]
        board = self._existing(name)
        return {"DashboardArn": board.arn, "DashboardBody": board.body, "DashboardName": name}

    def list(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Dashboards by prefix, in order."""
        prefix = params.get("DashboardNamePrefix", "")
        with self._lock:
            boards = sorted(item for item in self.boards.items() if item[0].startswith(prefix))
        chunk, token = page(boards, params.get("NextToken"), 1000, "InvalidParameterValue")
        entries = [
            {
                "DashboardName": name,
                "DashboardArn": board.arn,
                "LastModified": board.modified,
                "Size": len(board.body.encode()),
            }
            for name, board in chunk
        ]
        answer: dict[str, Any] = {"DashboardEntries": entries}
        return answer if token is None else answer | {"NextToken": token}

    def delete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Delete dashboards, all or none.

        Raises:
            AwsFault: ``ResourceNotFound``.
        """
        if not params["DashboardNames"]:
            raise AwsFault(
                "InvalidParameterValue",
                "Field DashboardNames is required and has to contain at least 1 element.",
            )
        for name in params["DashboardNames"]:
            self._existing(name)
        with self._lock:
            for name in params["DashboardNames"]:
                self.boards.pop(name, None)
        return {}

    def _existing(self, name: str) -> Dashboard:
        with self._lock:
            board = self.boards.get(name)
        if board is None:
            raise AwsFault("ResourceNotFound", f"Dashboard {name} does not exist", 404)
        return board


def _check_name(name: str) -> None:
    if len(name) > _LONGEST:
        raise AwsFault(
            "InvalidParameterValue",
            f"The value for field DashboardName must not exceed {_LONGEST} characters.\n",
        )
    if not _NAME.fullmatch(name):
        raise AwsFault(
            "InvalidParameterValue",
            "The value for field DashboardName contains invalid characters. It can only contain "
            "alphanumerics, dash (-) and underscore (_).\n",
        )

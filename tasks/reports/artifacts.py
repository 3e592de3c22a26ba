"""Put pages into the Prefect UI. A page that cannot be shown never stops a run."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from tasks.reports.links import linked
from tasks.reports.markdown import fitted
from tasks.settings import settings

STAGES = (
    *("snapshot", "contract", "drift", "training", "gate", "conversion", "bundle"),
    *("release", "summary"),
)
"""Pages of a run in the order of its stages. The UI shows a run's artifacts in the order of their
random ids, so that their names have to tell it."""
WITHIN = {"rows": "training"}
"""Pages that share the number of a stage: what comes before its own, by the alphabet too."""


def key_for(kind: str, *parts: str) -> str:
    """An artifact key: lower case, digits and dashes; a stage's page begins with its number."""
    stage = WITHIN.get(kind, kind)
    number = (str(STAGES.index(stage) + 1),) if stage in STAGES else ()
    return re.sub(r"[^a-z0-9]+", "-", "-".join((*number, kind, *parts)).lower()).strip("-")


def logger() -> Any:
    """The run's logger, or a plain one outside a run."""
    import logging

    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("sluice")


def current_flow_run_id() -> str | None:
    """Id of the flow run that this code runs in, or None outside of one."""
    from prefect import runtime

    run_id = runtime.flow_run.id
    return str(run_id) if run_id else None


def presented(markdown: str) -> str:
    """A page as the UI can show it: its tables fit, its addresses in S3 are links."""
    return linked(fitted(markdown), settings().s3_console_url)


def show(key: str, markdown: str, description: str = "") -> UUID | None:
    """Create a new version of an artifact; its id, or None when it could not be shown.

    See :func:`presented`. Outside a run there is nobody to show it to.
    """
    if current_flow_run_id() is None:
        return None
    try:
        page = presented(markdown)
        artifact_id = create_markdown_artifact(
            key=key, markdown=page, description=description or None
        )
    except Exception as error:  # noqa: BLE001  showing is a courtesy; the run goes on
        logger().warning(f"The artifact {key} could not be shown: {error}")
        return None
    return artifact_id if isinstance(artifact_id, UUID) else None


class LivePage:
    """A page that changes while something long goes on: one artifact, updated in place."""

    def __init__(self, key: str, description: str = "") -> None:
        self._key = key
        self._description = description
        self._id: UUID | None = None
        self._shown = ""

    def update(self, markdown: str) -> None:
        """Show the page as it is now; an unchanged page costs nothing."""
        if markdown == self._shown:
            return
        if self._id is None:
            self._id = show(self._key, markdown, self._description)
        else:
            try:
                page = presented(markdown)
                with get_client(sync_client=True) as client:
                    client.update_artifact(self._id, ArtifactUpdate(data=page))
            except Exception as error:  # noqa: BLE001  showing is a courtesy; the run goes on
                logger().warning(f"The artifact {self._key} could not be updated: {error}")
                return
        self._shown = markdown

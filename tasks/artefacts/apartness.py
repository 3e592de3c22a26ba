"""Whether an installation may run artefacts' programs at all."""

from __future__ import annotations

from models.runtime.isolation import available
from tasks.settings import Settings

SET_ROLE = (
    "set SLUICE_ARTEFACT_ROLE_ARN, so that they run as jobs (docs/security.md), or run the worker "
    "where its system lets it make user namespaces"
)


def nowhere(settings: Settings) -> str:
    """Why no program of an artefact may run here, in a sentence; "" where one may."""
    if settings.artefact_role_arn or not settings.in_production or available():
        return ""
    return (
        "SLUICE_ARTEFACT_ROLE_ARN is empty and this worker's system makes no namespaces: in "
        "production nothing of an artefact runs beside the worker's credentials"
    )

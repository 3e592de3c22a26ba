"""The work pool of flows that run as ECS tasks: Prefect's template, an installation's values.

``prefect-aws`` brings the worker and the template; what is here checks the values against both, so
that a wrong one is told now and not by the first run that does not start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.errors import InvalidSetting
from tasks.images import fault_of
from tasks.settings import Settings
from tasks.yaml_documents import yaml_document

KIND = "ecs"
DESCRIPTION = "Sluice's flows as ECS tasks; written by python -m deployments.ecs."
# An installation's own keys never stand in a file or on Prefect's server.
REFUSED = {
    "aws_credentials": "the worker finds its own by AWS's rules: give its role the rights",
}
# The server shows the variables of a pool to everybody who opens it.
SECRET = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "PREFECT_API_KEY",
        "PREFECT_API_AUTH_STRING",
    }
)
# A task that looks again would get its first look (docs/decisions/prefect-keeps-no-results.md).
KEEPING = frozenset({"PREFECT_RESULTS_PERSIST_BY_DEFAULT", "PREFECT_TASKS_DEFAULT_PERSIST_RESULT"})
# These belong to one machine's clock and disk, not to the installation.
OWN_MACHINE = frozenset({"cache_dir", "time_scale", "time_epoch"})


def read(path: Path) -> dict[str, Any]:
    """The job variables of a file.

    Raises:
        InvalidSetting: it is not there, is no mapping, or holds what the worker would not take.
    """
    try:
        values = yaml_document(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSetting(
            f"The values of the ECS work pool cannot be read from {path}: {error}.",
            "Name a YAML file like deployments/ecs/pool.yaml with --values.",
        ) from error
    if not isinstance(values, dict):
        raise InvalidSetting(
            f"{path} holds {type(values).__name__} instead of names with their values.",
            "Write it like deployments/ecs/pool.yaml.",
        )
    return checked(values, str(path))


def checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values, if each is one that the ECS worker takes.

    Raises:
        InvalidSetting: a name is unknown or refused, a value is of the wrong type,
            a secret, or would keep results.
    """
    from prefect_aws.workers.ecs_worker import ECSVariables

    for name, reason in REFUSED.items():
        if name in values:
            raise InvalidSetting(f"{where} holds {name!r}: {reason}.", "Leave it out.")
    names = sorted(set(ECSVariables.model_fields) - set(REFUSED))
    if unknown := sorted(str(name) for name in values if name not in names):
        raise InvalidSetting(
            f"{where} holds {', '.join(map(repr, unknown))}, which Prefect's ECS worker does not "
            "know: it would be ignored.",
            f"Write one of {', '.join(names)}.",
        )
    try:
        ECSVariables.model_validate(dict(values))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc']))}={e['input']!r}: {e['msg']}" for e in error.errors()
        )
        raise InvalidSetting(
            f"{where} holds what Prefect's ECS worker does not take: {wrong}.", "Correct it."
        ) from error
    if secret := sorted(SECRET & set(values.get("env") or {})):
        raise InvalidSetting(
            f"{where} holds the secret {', '.join(secret)} in env, where everybody who opens the "
            "work pool can read it.",
            "Leave it out: roles serve for AWS, prefect_api_key_secret_arn and "
            "prefect_api_auth_string_secret_arn for Prefect.",
        )
    if keeping := sorted(KEEPING & set(values.get("env") or {})):
        raise InvalidSetting(
            f"{where} sets {', '.join(keeping)} in env: with results kept, Prefect answers a task "
            "that looks again with its first look.",
            "Leave it out; what a stage hands on lies in S3 without it.",
        )
    return dict(values)


def require_fixed_image(values: Mapping[str, Any], where: str, *, by_digest: bool) -> None:
    """Hold the image to `tasks.images.fault_of`: every flow runs in it.

    Raises:
        InvalidSetting: it is whatever was pushed last, or is none.
    """
    if fault := fault_of(str(values.get("image") or ""), by_digest=by_digest):
        raise InvalidSetting(f"{where}: the image {fault}.", "Correct `image`.")


def environment(settings: Settings) -> dict[str, str]:
    """The settings of this installation that somebody has set, as a container's variables."""
    return {
        f"SLUICE_{name.upper()}": str(getattr(settings, name))
        for name in sorted(settings.model_fields_set - OWN_MACHINE)
    }


def template(values: Mapping[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """Prefect's template of ECS jobs, with our values as its defaults.

    Args:
        values: Job variables, checked. What their ``env`` says wins over the settings.
        settings: Variables of every flow's container.
    """
    from prefect_aws import ECSWorker

    job_template: dict[str, Any] = ECSWorker.get_default_base_job_template()
    defaults = {**values, "env": {**settings, **values.get("env", {})}}
    for name, value in defaults.items():
        job_template["variables"]["properties"][name]["default"] = value
    return job_template


def apply(name: str, job_template: Mapping[str, Any]) -> bool:
    """Create the pool, or give the one that is there this template; whether it is new.

    What a person has set on it (a limit, a pause) stays.

    Raises:
        InvalidSetting: the values do not fit together, or the name is taken by another kind.
    """
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound
    from prefect_aws.workers.ecs_worker import ECSJobConfiguration

    try:
        asyncio.run(ECSJobConfiguration.from_template_and_values(dict(job_template), {}))
    except ValidationError as error:
        wrong = "; ".join(e["msg"] for e in error.errors())
        raise InvalidSetting(
            f"The values of the work pool {name!r} do not fit together: {wrong}.",
            "Correct them, then apply them again.",
        ) from error
    with get_client(sync_client=True) as client:
        try:
            there = client.read_work_pool(name)
        except ObjectNotFound:
            client.create_work_pool(
                WorkPoolCreate(
                    name=name,
                    type=KIND,
                    description=DESCRIPTION,
                    base_job_template=dict(job_template),
                )
            )
            return True
        if there.type != KIND:
            raise InvalidSetting(
                f"The work pool {name!r} is there already and starts runs as {there.type!r}, "
                "not as ECS tasks; a pool's kind cannot be changed.",
                f"End its workers and delete it (prefect work-pool delete {name}), then apply this "
                "again; or choose another name with --pool, and name it in prefect.yaml.",
            )
        client.update_work_pool(name, WorkPoolUpdate(base_job_template=dict(job_template)))
        return False

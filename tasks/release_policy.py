"""How an installation puts versions before users where it does not do as model.yaml says.

A laptop has no users to wait an hour for, a staging account fewer than production: a file of keys
of model.yaml's ``release`` section that hold for every model of the installation
(``SLUICE_RELEASE_POLICY``). The models' own files stay what production reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks.errors import InvalidSetting
from tasks.faults import faults_of
from tasks.model_spec import ModelSpec
from tasks.specs.release import ReleaseSpec
from tasks.yaml_documents import yaml_document


def with_policy(spec: ModelSpec, path: str) -> ModelSpec:
    """A model's spec as the installation releases it.

    Args:
        spec: What model.yaml says.
        path: The policy's file; "" leaves all as it is.

    Raises:
        InvalidSetting: the file is missing, is no YAML, or names keys or values that the model's
            release cannot have; every fault is named.
    """
    if not path:
        return spec
    policy = _read(Path(path))
    own_settings = spec.release.model_dump(exclude_unset=True)
    try:
        release = ReleaseSpec.model_validate({**own_settings, **policy})
    except ValidationError as error:
        faults = "; ".join(faults_of(error, ReleaseSpec, "release"))
        raise InvalidSetting(
            f"SLUICE_RELEASE_POLICY={path} does not fit {spec.name}: {faults}.",
            "Correct these keys; docs/model-yaml.md lists those of release.",
        ) from error
    return spec.model_copy(update={"release": release})


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml_document(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidSetting(
            f"SLUICE_RELEASE_POLICY={path} cannot be read: {error}.",
            "Name a YAML file, or leave the variable out.",
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidSetting(
            f"SLUICE_RELEASE_POLICY={path} holds {type(document).__name__}, no keys of a release.",
            "Write one `key: value` per line, as in model.yaml's release section.",
        )
    return document

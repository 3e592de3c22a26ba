"""What people looked at and accepted, as ``accepted.yaml`` beside this file says it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field

from tasks.values import Frozen
from tasks.yaml_documents import yaml_document

FILE = Path(__file__).with_name("accepted.yaml")


class LicenceOfPackage(Frozen):
    """What a package's metadata do not say."""

    licence: str
    why: str


class Licences(Frozen):
    """Which licences are accepted.

    Attributes:
        accepted: SPDX identifiers.
        spelled: Other spelling → identifier.
        packages: Package → its licence, whatever its metadata say. Accepted as it stands.
    """

    accepted: frozenset[str]
    spelled: dict[str, str] = Field(default_factory=dict)
    packages: dict[str, LicenceOfPackage] = Field(default_factory=dict)


class AcceptedVulnerability(Frozen):
    """One that does no harm here, until people look again.

    Attributes:
        id: As the index names it (GHSA-…, PYSEC-…, CVE-…).
        package: Of which package.
        until: The last day on which this is accepted.
        why: What makes it harmless here.
    """

    id: str
    package: str
    until: date
    why: str


class Accepted(Frozen):
    """The whole file."""

    licences: Licences
    vulnerabilities: tuple[AcceptedVulnerability, ...] = ()


def accepted(file: Path = FILE) -> Accepted:
    """Read the file.

    Raises:
        yaml.YAMLError: it is no YAML, or names a key twice.
        pydantic.ValidationError: it has other keys than these, or none of them.
    """
    return Accepted.model_validate(yaml_document(file.read_text("utf-8")))

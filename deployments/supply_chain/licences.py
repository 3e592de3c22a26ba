"""Which licence each component has, and whether it is an accepted one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from license_expression import ExpressionError, LicenseSymbol, get_spdx_licensing

from deployments.supply_chain.accepted import Licences

SAYS_NOTHING = frozenset(
    {"License :: OSI Approved", "License :: DFSG approved", "License :: Other/Proprietary License"}
)
"""Classifiers that are true of many licences."""


class LicensedComponent(NamedTuple):
    """A component of a bill of materials.

    Attributes:
        name: Of the package.
        version: Its version.
        licence: What it is under, as far as is known: SPDX identifiers and expressions.
        accepted: Whether that is an accepted licence.
    """

    name: str
    version: str
    licence: str
    accepted: bool


def licensed(components: Iterable[Mapping[str, Any]], known: Licences) -> list[LicensedComponent]:
    """Each component of CycloneDX bills of materials with its licence, by name."""
    found = {_one(component, known) for component in components}
    return sorted(found, key=lambda item: (item.name.lower(), item.version))


def markdown(components: Iterable[LicensedComponent]) -> str:
    """A table by licence."""
    packages: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for item in components:
        packages[not item.accepted, item.licence or "(not known)"].append(item.name)
    lines = ["| licence | packages | which |", "|---|---|---|"]
    for (refused, licence), names in sorted(
        packages.items(), key=lambda entry: (not entry[0][0], -len(entry[1]), entry[0][1])
    ):
        title = f"**{licence}: not accepted**" if refused else licence
        lines.append(f"| {title} | {len(names)} | {', '.join(dict.fromkeys(names))} |")
    return "\n".join(lines) + "\n"


def _one(component: Mapping[str, Any], known: Licences) -> LicensedComponent:
    name, version = str(component["name"]), str(component.get("version", ""))
    stated = known.packages.get(name)
    if stated is not None:
        return LicensedComponent(name, version, stated.licence, accepted=True)
    told = [_text(item) for item in component.get("licenses", ())]
    licences = sorted({known.spelled.get(text, text) for text in told if text not in SAYS_NOTHING})
    allowed = bool(licences) and all(_allowed(text, known) for text in licences)
    return LicensedComponent(name, version, "; ".join(licences), allowed)


def _text(item: Mapping[str, Any]) -> str:
    licence = item.get("license", {})
    text = item.get("expression") or licence.get("id") or licence.get("name") or ""
    return " ".join(str(text).split())[:200]


def _allowed(text: str, known: Licences) -> bool:
    """Whether an expression leaves a way to use the component under accepted licences only."""
    try:
        expression = _spdx().parse(text, validate=True)
    except ExpressionError:
        return text in known.accepted
    return expression is not None and _holds(expression, known)


@cache
def _spdx() -> Any:
    return get_spdx_licensing()  # reads the whole list of SPDX, for a second


def _holds(expression: Any, known: Licences) -> bool:
    if isinstance(expression, LicenseSymbol):
        return str(expression.key) in known.accepted
    parts = [_holds(part, known) for part in getattr(expression, "args", ())]
    if type(expression).__name__ == "OR":
        return any(parts)
    return bool(parts) and all(parts)

"""What indexes know against the locked packages, less what people have accepted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from deployments.supply_chain.accepted import AcceptedVulnerability


class KnownVulnerability(NamedTuple):
    """Something that an index knows against a package.

    Attributes:
        package: Its name.
        version: The locked version.
        ids: All names it goes by, the index's own first.
        fixed_in: Versions without it.
    """

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...] = ()

    def told(self) -> str:
        """One line for people."""
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "not fixed yet"
        return f"{self.package} {self.version}: {self.ids[0]}, {fixed}"


class IndexAnswer(NamedTuple):
    """What one index said of one lock.

    Attributes:
        lock: Which lock.
        asked: How many packages were asked about.
        unanswered: Packages of which the index knows nothing, not even that they exist.
        known: What it knows against the others.
        silence: Why it did not answer at all; "" when it did.
    """

    lock: str
    asked: int
    unanswered: tuple[str, ...] = ()
    known: tuple[KnownVulnerability, ...] = ()
    silence: str = ""

    @property
    def answered(self) -> bool:
        """Whether anything was looked up. A list of packages that were all skipped is no answer."""
        return not self.silence and len(self.unanswered) < self.asked


class AuditVerdict(NamedTuple):
    """What is left to do.

    Attributes:
        open: Known, and not accepted.
        expired: Entries of the list whose day has passed.
        stale: Entries that nothing matches any more.
    """

    open: tuple[KnownVulnerability, ...]
    expired: tuple[AcceptedVulnerability, ...]
    stale: tuple[AcceptedVulnerability, ...]


def of_pip_audit(lock: str, told: Mapping[str, Any]) -> IndexAnswer:
    """What ``pip-audit --format json`` printed."""
    packages = told.get("dependencies", [])
    known = []
    for package in packages:
        for item in package.get("vulns", ()):
            ids = (str(item["id"]), *map(str, item.get("aliases", ())))
            fixed = tuple(map(str, item.get("fix_versions", ())))
            known.append(KnownVulnerability(package["name"], package["version"], ids, fixed))
    skipped = tuple(str(package["name"]) for package in packages if "skip_reason" in package)
    return IndexAnswer(lock, len(packages), skipped, tuple(known))


def of_npm_audit(lock: str, told: Mapping[str, Any]) -> IndexAnswer:
    """What ``npm audit --json`` printed."""
    if "vulnerabilities" not in told:
        error = told.get("error") or {}
        why = told.get("message") or error.get("summary") or "npm gave no report"
        return IndexAnswer(lock, 0, silence=str(told.get("statusCode") or "") or str(why)[:100])
    known = [
        KnownVulnerability(name, str(package.get("range", "")), _advisories(package), _fix(package))
        for name, package in sorted(told["vulnerabilities"].items())
        if _advisories(package)
    ]
    asked = int(told.get("metadata", {}).get("dependencies", {}).get("total", 1))
    return IndexAnswer(lock, asked, known=tuple(known))


def judged(
    answers: Iterable[IndexAnswer], accepted: Sequence[AcceptedVulnerability], today: date
) -> AuditVerdict:
    """What is neither accepted nor gone.

    Args:
        answers: What the indexes said.
        accepted: What people accepted.
        today: The day on which it counts.
    """
    answers = tuple(answers)
    valid = {(item.package, item.id) for item in accepted if today <= item.until}
    known = [item for answer in answers for item in answer.known]
    matched = {(item.package, name) for item in known for name in item.ids}
    everybody = all(answer.answered and not answer.unanswered for answer in answers)
    return AuditVerdict(
        open=tuple(i for i in known if not valid & {(i.package, name) for name in i.ids}),
        expired=tuple(item for item in accepted if today > item.until),
        # Who did not answer may know of it still.
        stale=tuple(i for i in accepted if everybody and (i.package, i.id) not in matched),
    )


def _advisories(package: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of advisories against the package itself; text there names a package that it needs."""
    of_itself = [via for via in package.get("via", ()) if isinstance(via, Mapping)]
    return tuple(str(via.get("url", via.get("source", ""))).rpartition("/")[2] for via in of_itself)


def _fix(package: Mapping[str, Any]) -> tuple[str, ...]:
    fix = package.get("fixAvailable")
    return (str(fix["version"]),) if isinstance(fix, Mapping) and "version" in fix else ()

"""What is known against the locked packages is told, unless people accepted it until a day."""

from datetime import date, timedelta

import pytest

from deployments.supply_chain.accepted import AcceptedVulnerability
from deployments.supply_chain.audit import IndexAnswer, judged, of_npm_audit, of_pip_audit

TODAY = date(2026, 11, 29)
PIP = {
    "dependencies": [
        {"name": "sound", "version": "1", "vulns": []},
        {"name": "torn", "version": "2", "vulns": [
            {"id": "PYSEC-1", "aliases": ["CVE-1", "GHSA-1"], "fix_versions": ["2.1"]},
        ]},
        {"name": "unheard", "skip_reason": "Dependency not found"},
    ],
    "fixes": [],
}  # fmt: skip
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {
        "worn": {"name": "worn", "range": "<3", "via": [{"source": 7, "url": "advisories/GHSA-7"}],
                 "fixAvailable": {"name": "worn", "version": "3.0.0"}},
        "above": {"name": "above", "range": "*", "via": ["worn"], "fixAvailable": True},
    },
    "metadata": {"dependencies": {"total": 12}},
}  # fmt: skip


def entry(name="PYSEC-1", package="torn", days=1):
    until = TODAY + timedelta(days=days)
    return AcceptedVulnerability(id=name, package=package, until=until, why="never called")


def test_what_pip_audit_knows_is_told_with_its_remedy():
    answer = of_pip_audit("Python", PIP)
    assert (answer.answered, answer.asked, answer.unanswered) == (True, 3, ("unheard",))
    (known,) = judged([answer], (), TODAY).open
    assert known.told() == "torn 2: PYSEC-1, fixed in 2.1"


def test_what_npm_knows_is_told_of_the_package_itself_not_of_all_above_it():
    answer = of_npm_audit("JavaScript", NPM)
    assert answer.answered
    (known,) = judged([answer], (), TODAY).open
    assert known.told() == "worn <3: GHSA-7, fixed in 3.0.0"


@pytest.mark.parametrize("name", ["PYSEC-1", "CVE-1", "GHSA-1"])
def test_what_is_accepted_is_no_finding_under_any_of_its_names(name):
    verdict = judged([of_pip_audit("Python", PIP)], [entry(name)], TODAY)
    assert verdict.open == verdict.expired == ()


@pytest.mark.parametrize(
    "others", [entry(package="sound"), entry("PYSEC-2"), entry(days=-1)],
    ids=("another package", "another name", "its day has passed"),
)  # fmt: skip
def test_what_is_accepted_otherwise_is_a_finding(others):
    assert len(judged([of_pip_audit("Python", PIP)], [others], TODAY).open) == 1


def test_an_entry_counts_on_its_last_day_and_is_told_after_it():
    answers = [of_pip_audit("Python", PIP)]
    assert judged(answers, [entry(days=0)], TODAY).open == ()
    assert judged(answers, [entry(days=-1)], TODAY).expired == (entry(days=-1),)


def test_an_entry_that_nothing_needs_is_told_once_everybody_has_answered():
    whole = IndexAnswer("Python", 3)
    gone = entry("PYSEC-9")
    assert judged([whole], [gone], TODAY).stale == (gone,)
    assert judged([of_pip_audit("Python", PIP)], [gone], TODAY).stale == ()
    assert judged([whole, IndexAnswer("JavaScript", 0, silence="405")], [gone], TODAY).stale == ()


@pytest.mark.parametrize(
    "answer",
    [
        of_pip_audit("Python", {"dependencies": [{"name": "a", "skip_reason": "not found"}]}),
        of_pip_audit("Python", {"dependencies": []}),
        of_npm_audit("JavaScript", {"statusCode": 405, "message": "no", "error": {}}),
        of_npm_audit("JavaScript", {"error": {"summary": "no network"}}),
        of_npm_audit("JavaScript", {}),
    ],
)
def test_silence_is_no_clean_bill(answer):
    """A mirror without advisories skips every package; the tool itself then says: nothing found."""
    assert not answer.answered

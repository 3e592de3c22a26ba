"""Releases on the running stack, under traffic: bad versions go, a good one stays."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import FIRST_DAY
from tests.journeys.killing import MODEL, kill_in
from tests.journeys.releasing import (
    FEW_USERS,
    FOREVER,
    always,
    answer_dialog,
    artefact,
    journal,
    model_yaml,
    outcome,
    pages,
    registered,
    sabotaged,
    until,
    upload,
    users,
)
from tests.journeys.test_ui import SHOTS, page

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
__all__ = ["page"]

BAD = {"errors": 100, "slow": 1500, "wrong": 1500}
"""Answers of a bad version that users may meet: errors they see, or answers that it gave at all."""


@pytest.fixture(scope="module")
def traffic(journey, survived):
    with users(journey, FIRST_DAY) as traffic:
        yield traffic


def release(journey, version, reason, environment=None):
    parameters = {"model": MODEL, "version": version, "reason": reason}
    return journey.prefect.start("release/manual", parameters, environment=environment)


def uploaded(journey, known):
    """The run that an upload starts: reconcile listens once a minute."""
    return journey.prefect.wait_for_run("release-upload/on-upload", known)


def message(journey, run):
    return journey.prefect.ended(run)["state"]["message"] or ""


def served(traffic, version):
    """(answers, errors) that users got of a version."""
    return tuple(traffic.seen().by_variant.get(version.replace("_", "-"), (0, 0)))


@pytest.mark.parametrize("mode", BAD)
def test_a_bad_version_is_rolled_back_before_many_users_met_it(journey, traffic, mode):
    stable = journey.outside.pointer(MODEL)
    before = traffic.seen()
    version = sabotaged(journey, mode)
    how = model_yaml(journey, "few", **FEW_USERS) if mode == "wrong" else None
    ended = journey.prefect.ended(release(journey, version, f"bad: {mode}", how))
    said = ended["state"]["message"]
    assert ended["state_name"] == "RolledBack", said
    end = journal(journey)
    assert (end["phase"], end["candidate"]["version"]) == ("rolled_back", version)
    assert journey.outside.pointer(MODEL) == stable, "the pointer never named it"
    journey.outside.only_serves(MODEL, stable["version"])
    errors = traffic.seen().errors - before.errors
    answers, _ = served(traffic, version)
    met = errors if mode == "errors" else answers
    took = end["ended_at"] - end["canary_since"]
    print(
        f"{mode}: {met} bad answers of {traffic.seen().answers - before.answers} in all, "
        f"{took:.0f} s after the canary began: {said}"
    )
    assert 0 < met <= BAD[mode]
    if mode != "errors":
        assert errors == 0


def test_of_two_releases_in_the_same_second_one_runs_and_the_other_is_refused(journey, traffic):
    stable = journey.outside.pointer(MODEL)
    versions = [sabotaged(journey, "errors"), sabotaged(journey, "slow")]
    runs = [release(journey, version, "storm") for version in versions]
    ended = sorted(journey.prefect.ended(run)["state_name"] for run in runs)
    assert ended == ["RolledBack", "Superseded"]
    assert journal(journey)["phase"] == "rolled_back"
    assert journey.outside.pointer(MODEL) == stable


def test_no_answer_in_time_means_no(journey, traffic):
    stable = journey.outside.pointer(MODEL)
    version = sabotaged(journey, "errors", "--after", str(FOREVER))
    asks = model_yaml(journey, "hasty", approval="before_canary", approval_seconds=60)
    run = release(journey, version, "may I", asks)
    # For a moment the run is Failed with Prefect's own words for a pause that timed out.
    until(
        "the run says why",
        lambda: re.search("no answer in time .*means no", message(journey, run), re.IGNORECASE),
    )
    end = journal(journey)
    assert (end["phase"], end["moves"]) == ("rolled_back", [])
    assert journey.outside.pointer(MODEL) == stable
    assert served(traffic, version) == (0, 0), "nobody met what nobody allowed"


def test_a_good_version_is_promoted_once_a_person_said_yes(journey, traffic):
    stable, before = journey.outside.pointer(MODEL), traffic.seen().errors
    version = sabotaged(journey, "errors", "--after", str(FOREVER))
    asks = model_yaml(journey, "asking", approval="before_canary", **FEW_USERS)
    run = release(journey, version, "a good one", asks)
    answer_dialog(journey, run, granted=True, by="eve", note="the numbers are good")
    assert "Proven not worse" in journey.prefect.completed(run)
    pointer = journey.outside.pointer(MODEL)
    assert (pointer["version"], pointer["previous"]) == (version, stable["version"])
    journey.outside.only_serves(MODEL, version)
    end = journal(journey)
    assert end["approvals"]["before_canary"]["by"] == "eve"
    assert traffic.seen().errors == before, traffic.seen().last_error
    print(f"promoted after {end['ended_at'] - end['started']:.0f} s, no user saw an error")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("ended", "why"),
    [("released", "Proven not worse"), ("rolled back", "The canary is worse than")],
)
def test_both_ends_are_seen_in_the_ui(journey, page, ended, why):
    told = (f": {ended}\n", why)
    shown = next(item for item in pages(journey) if all(text in item["data"] for text in told))
    page.goto(f"{journey.prefect.ui}/artifacts/artifact/{shown['id']}")
    expect(page.get_by_text(ended).first).to_be_visible()
    expect(page.get_by_text(why).first).to_be_visible()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    expect(page.locator("img[alt='evidence over time']")).to_be_visible()
    page.screenshot(path=SHOTS / f"release-{ended.replace(' ', '-')}.png", full_page=True)


def test_a_bad_artefact_is_refused_by_itself_and_the_reason_is_kept(journey, traffic):
    version = "0.9.0"
    stable = journey.outside.pointer(MODEL)
    known = {run["id"] for run in journey.prefect.runs("release-upload/on-upload")}
    upload(journey, version, b"this is no model")
    upload(journey, version, b"this is no model")  # S3 may tell of one thing twice
    run = journey.prefect.ended(uploaded(journey, known))
    assert run["name"] == f"{MODEL} {version} · uploaded"
    assert "UploadRefused" in run["state"]["message"]
    kept = outcome(journey, version)
    assert (kept["state"], kept["run"]) == ("refused", run["id"])
    assert "no intact gzipped tar archive" in kept["reason"]
    assert registered(journey, version) == []
    assert journey.outside.pointer(MODEL) == stable
    assert len(journey.prefect.runs("release-upload/on-upload")) == len(known) + 1


def test_a_good_artefact_releases_by_itself_and_survives_a_kill(journey, traffic):
    jobs, before = journey.outside.jobs(), traffic.seen().errors
    always(journey, "release-upload/on-upload", model_yaml(journey, "few", **FEW_USERS))
    known = {run["id"] for run in journey.prefect.runs("release-upload/on-upload")}
    upload(journey, "1.0.0", artefact(journey, journey.outside.pointer(MODEL)["version"]))
    first = uploaded(journey, known)
    assert kill_in(journey, first, "carry release"), "the run ended before its release"
    settled = until("another run settles it", lambda: outcome(journey, "1.0.0"), 600)
    assert settled["state"] == "released", settled
    assert journey.outside.pointer(MODEL)["version"] == "1.0.0"
    journey.outside.only_serves(MODEL, "1.0.0")
    assert journey.outside.verified_bundle(MODEL, "1.0.0") > 5
    carried = registered(journey, "1.0.0")
    assert {f"{MODEL}/1.0.0/drift/{name}.json" for name in ("baseline", "errors")} <= {*carried}
    assert journey.outside.jobs() == jobs, "nothing was trained"
    assert traffic.seen().errors == before, traffic.seen().last_error

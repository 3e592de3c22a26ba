"""The experiment's four flows, run as Prefect runs them, on the embedded AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.buckets import bucket
from tasks.errors import ExperimentError, ExperimentRunning, ExperimentUndecided
from tasks.experiments.assigned import taking_part
from tasks.registry.tasks import archive_old

TIME_SCALE = 120.0
MODEL = testbed.MODEL
DAYS = 1.5
"""A block of counting is then about three real seconds long, the whole 18 minutes."""
PATIENCE = 120.0

pytestmark = [pytest.mark.timeout(1800), pytest.mark.seconds(60)]


class Asker:
    """The four forms, filled in for one experiment."""

    def __init__(self, installation: Any) -> None:
        from flows import experiment

        self.flows = experiment
        self.installation = installation

    def start(self, treatment: str, **changes: Any) -> dict[str, Any]:
        """Start; what clients read of it."""
        metric = {"name": "booked", "minimal_difference": changes.pop("matters", 0.1)}
        asked = {
            "model": MODEL, "treatment": treatment, "metrics": [metric], "days": DAYS,
            "window_hours": 0.0, "reason": "to know", **changes,
        }  # fmt: skip
        self.flows.start(**asked)
        return self.public()

    def public(self) -> dict[str, Any]:
        return self.installation.read_json(f"{MODEL}/experiment.json")

    def dossier(self) -> dict[str, Any]:
        return self.installation.read_json(
            f"_experiments/{MODEL}/{self.public()['experiment']}.json"
        )

    def record(self, users: int, rates: tuple[float, float], *, lost: str = "") -> str:
        """Record users of both arms, booking at (treatment, control) rates; ``lost`` has none."""
        told, lines, seen = self.public(), [], {"treatment": 0, "control": 0}
        for n in range(users):
            user = f"user-{n}"
            arm = "treatment" if bucket(user, told["salt"]) < told["percent"] else "control"
            if arm == lost:
                continue
            lines.append({"user_id": user, "event_id": "seen", "version": told[arm]})
            rate = rates[0] if arm == "treatment" else rates[1]
            if (seen[arm] * rate) % 1 + rate >= 1:
                lines.append({"user_id": user, "event_id": "did", "metric": "booked"})
            seen[arm] += 1
        url = self.installation.upload(f"{told['experiment']}-{len(lines)}.jsonl", lines)
        return self.ended(self.flows.record, MODEL, url)

    def read(self) -> tuple[bool, str]:
        """One look: whether the run is green, and its words."""
        state = self.flows.read(MODEL, return_state=True)
        return state.is_completed(), state.message

    def read_until(self, words: str) -> tuple[bool, str]:
        """Look again and again, as people may, until the words are said."""
        deadline = time.monotonic() + PATIENCE
        while True:
            good, said = self.read()
            if words in said:
                return good, said
            assert time.monotonic() < deadline, said
            time.sleep(0.5)

    def conclude(self, **how: Any) -> str:
        return self.ended(self.flows.conclude, MODEL, reason="enough", **how)

    def ended(self, flow: Any, *args: Any, **how: Any) -> str:
        state = flow(*args, **how, return_state=True)
        if state.is_failed():
            state.result()
        return str(state.message)


@pytest.fixture
def asker(installation: Any) -> Iterator[Asker]:
    """Nothing runs before and after a test, and nobody was told anything."""
    made = Asker(installation)
    yield made
    if made.public()["state"] == "running":
        made.conclude(stop=True)
    installation.told()


def pages() -> dict[str, str]:
    """The newest page of each key, as the Prefect UI shows it."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={}).json()
    return {page["key"]: page["data"] for page in found}


def test_a_decided_experiment_that_only_tells_is_told_once_and_splits_on(
    installation: Any, asker: Any
) -> None:
    serving, second = installation.serves(), installation.publish()
    told = asker.start(second, when_decided="tell")
    assert (told["state"], told["control"], told["treatment"]) == ("running", serving, second)
    assert asker.read() == (True, f"{MODEL}: No user has been counted yet; 0 are in their window.")
    with pytest.raises(ExperimentRunning, match=told["experiment"]):
        asker.start(installation.publish())
    said = asker.record(80, (0.95, 0.05))
    assert "80 new users; 0 were known" in said
    again = asker.record(80, (0.95, 0.05))
    assert ": 0 of " in again
    assert "0 new users" in again
    good, said = asker.read_until("is better")
    assert good
    assert asker.public()["state"] == "running"
    assert asker.read() == (True, said)
    subject = f"Experiment on {MODEL}: {second} wins"
    mails = installation.told()
    assert list(mails) == [subject]
    [mail] = mails[subject]
    assert f"{second} (treatment) is better: booked +0." in mail
    assert "until somebody concludes it" in mail
    page = pages()[f"experiment-{MODEL}"]
    assert f"{second} wins" in page
    assert "data:image/svg+xml" in page

    assert f"{second} is not released by itself" in asker.conclude()
    assert installation.serves() == serving
    [mail] = installation.told()[subject]
    assert "users are no longer split" in mail
    assert (asker.public()["state"], asker.public()["winner"]) == ("concluded", second)


def test_no_difference_is_concluded_by_itself_and_releases_nothing(
    installation: Any, asker: Any
) -> None:
    asker.start(installation.publish(), when_decided="conclude", matters=0.7)
    asker.record(120, (0.5, 0.5))
    good, said = asker.read_until("No difference that matters")
    assert good
    assert said.endswith("Nothing is released: there is no winner.")
    ended = asker.dossier()["conclusion"]
    assert (ended["kind"], ended["winner"]) == ("no difference", None)
    assert list(installation.told()) == [f"Experiment on {MODEL}: no difference"]
    assert asker.public()["state"] == "concluded"


def test_a_person_stops_what_is_not_decided(installation: Any, asker: Any) -> None:
    asker.start(installation.publish(), when_decided="release")
    asker.record(10, (0.5, 0.5))
    with pytest.raises(ExperimentUndecided):
        asker.conclude()
    assert asker.public()["state"] == "running"
    assert asker.conclude(stop=True).startswith("Stopped: enough.")
    assert asker.dossier()["conclusion"]["kind"] == "stopped"
    assert asker.public()["winner"] is None
    assert list(installation.told()) == [f"Experiment on {MODEL}: stopped"]


@pytest.mark.parametrize("when_decided", ["tell", "release"])
def test_lost_users_stop_the_reading_and_people_are_told(
    installation: Any, asker: Any, when_decided: str
) -> None:
    serving = installation.serves()
    asker.start(installation.publish(), when_decided=when_decided)
    asker.record(80, (0.95, 0.05), lost="treatment")
    good, said = asker.read_until("Sample-ratio mismatch")
    assert not good, "a mismatch is a failed run, to be seen"
    assert "is better" not in said
    [mails] = installation.told().values()
    assert mails[0].startswith("Sample-ratio mismatch")
    assert len(mails) == 1
    concluded = asker.public()["state"] == "concluded"
    assert concluded == (when_decided == "release")
    assert "nothing is compared" in asker.conclude()
    assert asker.dossier()["conclusion"]["winner"] is None
    assert installation.serves() == serving


def test_a_winner_is_released_through_the_canary(installation: Any, asker: Any) -> None:
    serving, second = installation.serves(), installation.publish()
    started = asker.start(second, when_decided="release")
    asker.record(80, (0.95, 0.05))
    with testbed.LoadGenerator(installation.aws.endpoint_url) as load:
        good, said = asker.read_until("Proven not worse")
    assert good, said
    assert f"{MODEL} {second}: " in said
    assert installation.serves() == second
    pointer = installation.read_json(f"{MODEL}/latest.json")
    assert pointer["previous"] == serving
    assert f"won experiment {started['experiment']}" in pointer["reason"]
    assert load.failed == 0
    assert {who for _, who in load.answers} == {serving, second}
    assert list(installation.told()) == [f"Experiment on {MODEL}: {second} wins"]
    assert f"8-release-{MODEL}" in pages()
    assert asker.read() == (
        True,
        f"{MODEL}: {asker.dossier()['conclusion']['reason']} {second} serves already.",
    )


def archived(installation: Any, version: str) -> bool:
    """Whether the bundle bears the archive's tag."""
    found = installation.aws.client("s3").get_object_tagging(
        Bucket=testbed.BUCKET, Key=f"{MODEL}/{version}/model.tar.gz"
    )
    return {"Key": "sluice-archive", "Value": "true"} in found["TagSet"]


def test_versions_in_an_experiment_stay_at_hand_until_it_is_concluded(
    installation: Any, asker: Any
) -> None:
    from flows.release import release

    control, treatment, bystander, _, newest = (installation.publish() for _ in range(5))
    serving = installation.serves()
    asker.start(treatment, control=control)
    with testbed.LoadGenerator(installation.aws.endpoint_url):
        ended = release(MODEL, newest, "weekly", return_state=True)
    assert ended.name == "Completed", ended.message
    assert archived(installation, bystander)
    assert not archived(installation, control)
    assert not archived(installation, treatment)
    assert not archived(installation, serving), "the way back"

    s3, key = installation.aws.client("s3"), f"{MODEL}/experiment.json"
    sound = json.dumps(asker.public()).encode()
    s3.put_object(Bucket=testbed.BUCKET, Key=key, Body=b"{damaged")
    with pytest.raises(ExperimentError, match="does not parse"):
        archive_old.fn(MODEL, 2, taking_part)
    s3.put_object(Bucket=testbed.BUCKET, Key=key, Body=sound)
    archive_old.fn(MODEL, 2, taking_part)
    assert not archived(installation, treatment)
    asker.conclude(stop=True)
    archive_old.fn(MODEL, 2, taking_part)
    assert archived(installation, treatment)

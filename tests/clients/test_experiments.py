"""Experiments in the reference client: who gets which arm, and what the product hears of it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.buckets import bucket
from tasks.experiments.entries import batch
from tasks.experiments.plan import Assignment, Experiment, SuccessMetric
from tests.clients.conftest import MODEL, ROOT, V1, V2, V3
from tests.clients.test_edge_client import REFUSES, SEES, WEIGHTS, told

VECTORS = ROOT / "clients" / "vectors" / "experiments.json"
NODE = Path(sys.prefix) / "bin" / "node"
ARMS = """
import { readFileSync } from "node:fs";
const { assigned, checkedExperiment } = await import(%(module)s);
const { base, vectors } = JSON.parse(readFileSync(0, "utf8"));
const seen = [];
for (const { experiment, user_id, now } of vectors) {
  const told = checkedExperiment(JSON.stringify({ ...base, ...experiment }), base.model);
  const part = await assigned(told, user_id, Date.parse(now));
  seen.push(part && [part.arm, part.version, part.experiment]);
}
console.log(JSON.stringify(seen));
"""
SALT = "toy-model-now"
TREATED = next(f"user-{n}" for n in range(99) if bucket(f"user-{n}", SALT) < 50)
CONTROLLED = next(f"user-{n}" for n in range(99) if bucket(f"user-{n}", SALT) >= 50)
BOOKED = SuccessMetric(name="booked", minimal_difference=0.1)
browser = [pytest.mark.browser, pytest.mark.timeout(120)]


def stamp(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def assignment(**changes: Any) -> Assignment:
    asked = {
        "model": MODEL, "experiment": "20260105-080000-3f2a1c", "state": "running", "control": V1,
        "treatment": V2, "percent": 50, "salt": SALT, "starts": stamp(-1), "ends": stamp(1),
    }  # fmt: skip
    return Assignment.model_validate({**asked, **changes})


def begin(cdn: Any, **changes: Any) -> None:
    cdn.objects[f"{MODEL}/experiment.json"] = assignment(**changes).model_dump_json().encode()


@pytest.fixture
def shared() -> dict[str, Any]:
    return dict(json.loads(VECTORS.read_text("utf-8")))


def test_the_shared_vectors_hold_in_javascript(shared: dict[str, Any]) -> None:
    module = json.dumps((ROOT / "clients" / "javascript" / "experiment.js").as_uri())
    ran = subprocess.run(
        [NODE, "--input-type=module", "-e", ARMS % {"module": module}],
        input=json.dumps(shared).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    base = shared["base"]
    expected = [
        [row["arm"], base[row["arm"]], base["experiment"]] if row["arm"] else None
        for row in shared["vectors"]
    ]
    assert json.loads(ran.stdout) == expected
    assert {row and row[0] for row in expected} == {"treatment", "control", None}


def test_the_shared_vectors_hold_in_python(shared: dict[str, Any]) -> None:
    for row in shared["vectors"]:
        public = Assignment.model_validate({**shared["base"], **row["experiment"]})
        kept = Experiment(
            id=public.experiment, model=public.model, control=public.control,
            treatment=public.treatment, percent=public.percent, salt=public.salt, starts=0, ends=1,
            window_seconds=0, metrics=(BOOKED,), alpha=0.05, when_decided="tell", actor="a",
            reason="r",
        )  # fmt: skip
        if row["arm"] is not None:
            assert kept.arm_of(row["user_id"]) == row["arm"]


class TestInChromium:
    """Real pages, a CDN that misbehaves."""

    pytestmark = browser

    def test_each_user_gets_the_version_of_his_arm(self, cdn: Any, page: Any) -> None:
        begin(cdn)
        assert page.evaluate(SEES, {"userId": TREATED}) == 2.0
        assert page.evaluate("[model.part.arm, model.part.version]") == ["treatment", V2]
        page.again()
        assert page.evaluate(SEES, {"userId": CONTROLLED}) == 1.0
        assert page.evaluate("model.part.arm") == "control"
        page.again()
        assert page.evaluate(SEES, {"userId": TREATED, "experiments": False}) == 1.0
        assert page.evaluate("model.part") is None

    def test_what_is_told_names_arm_and_version_and_each_version_once(
        self, cdn: Any, page: Any
    ) -> None:
        begin(cdn)
        page.evaluate(SEES, {"userId": TREATED})
        page.evaluate("model.refresh()")
        page.evaluate("model.record('booked', 2, 'order-7')")
        part = {"model": MODEL, "experiment": "20260105-080000-3f2a1c", "arm": "treatment"}
        assert told(page, "exposure") == [
            {"type": "exposure", **part, "version": V2, "event_id": f"given-{V2}"}
        ]
        assert told(page, "outcome") == [
            {"type": "outcome", **part, "version": V2, "metric": "booked", "value": 2,
             "event_id": "order-7"}
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "changes",
        [
            {"ends": stamp(-0.5)},
            {"starts": stamp(0.5)},
            {"state": "concluded", "winner": V2},
        ],
    )
    def test_outside_of_its_time_the_pointer_counts(
        self, cdn: Any, page: Any, changes: dict[str, Any]
    ) -> None:
        begin(cdn, **changes)
        assert page.evaluate(SEES, {"userId": TREATED}) == 1.0
        page.evaluate("model.record('booked')")
        assert told(page, "exposure") + told(page, "outcome") + told(page, "problem") == []

    @pytest.mark.parametrize(
        "body",
        [
            b"<Error/>",
            b"{}",
            assignment(model="other").model_dump_json().encode(),
            json.dumps(
                {**json.loads(assignment().model_dump_json()), "treatment": "../x"}
            ).encode(),
            json.dumps({**json.loads(assignment().model_dump_json()), "ends": "later"}).encode(),
            json.dumps({**json.loads(assignment().model_dump_json()), "percent": 5e9}).encode(),
        ],
    )
    def test_what_cannot_be_followed_leaves_the_pointer_and_is_a_problem(
        self, cdn: Any, page: Any, body: bytes
    ) -> None:
        cdn.objects[f"{MODEL}/experiment.json"] = body
        assert page.evaluate(SEES, {"userId": TREATED}) == 1.0
        assert [event["kind"] for event in told(page, "problem")] == ["experiment"]
        assert told(page, "exposure") == []

    def test_an_experiment_that_ends_while_the_page_is_open_lets_go(
        self, cdn: Any, page: Any
    ) -> None:
        begin(cdn)
        assert page.evaluate(SEES, {"userId": TREATED}) == 2.0
        begin(cdn, state="concluded")
        page.evaluate("model.refresh()")
        assert page.evaluate("ask(model)") == 1.0
        assert page.evaluate("model.part") is None

    def test_no_answer_about_the_experiment_changes_nothing_for_who_takes_part(
        self, cdn: Any, page: Any
    ) -> None:
        begin(cdn)
        assert page.evaluate(SEES, {"userId": TREATED}) == 2.0
        cdn.faults[f"{MODEL}/experiment.json"] = "500"
        page.evaluate("model.refresh()")
        assert page.evaluate("ask(model)") == 2.0
        assert {event["kind"] for event in told(page, "problem")} == {"network"}
        page.again()
        assert page.evaluate(SEES, {"userId": TREATED}) == 1.0  # he knows of no experiment
        assert told(page, "problem") == []

    @pytest.mark.parametrize("kind", ["missing", "tampered", "truncated"])
    def test_a_damaged_treatment_is_never_loaded_and_the_user_stays_in_his_arm(
        self, cdn: Any, page: Any, kind: str
    ) -> None:
        begin(cdn)
        cdn.break_file(V2, WEIGHTS, kind)
        assert page.evaluate(SEES, {"userId": TREATED}) == 1.0
        [given] = told(page, "exposure")
        assert (given["arm"], given["version"]) == ("treatment", V1)
        assert {event["kind"] for event in told(page, "problem")} == {kind}

    def test_when_nothing_can_be_loaded_it_says_why(self, cdn: Any, page: Any) -> None:
        begin(cdn)
        for version in (V1, V2):
            cdn.break_file(version, WEIGHTS, "tampered")
        assert page.evaluate(REFUSES, {"userId": TREATED}) == "tampered"

    def test_the_candidate_of_a_rollout_comes_first(self, cdn: Any, page: Any) -> None:
        begin(cdn)
        cdn.point(V1, percent=100, to=V3)
        assert page.evaluate(SEES, {"userId": TREATED}) == 3.0
        assert page.evaluate("model.part") is None
        cdn.point(V1, percent=0, to=V3)
        page.evaluate("model.refresh()")
        assert page.evaluate("ask(model)") == 2.0

    @pytest.mark.parametrize("user", [TREATED, CONTROLLED])
    def test_an_arm_that_was_withdrawn_ends_the_experiment_for_both(
        self, cdn: Any, page: Any, user: str
    ) -> None:
        begin(cdn)
        cdn.point(V1, previous=V2, rollback=True)
        assert page.evaluate(SEES, {"userId": user}) == 1.0
        assert told(page, "exposure") == []

    def test_records_arrive_as_lines_that_the_experiment_reads(self, cdn: Any, page: Any) -> None:
        begin(cdn)
        page.evaluate(
            """async (userId) => {
          const { postRecords } = await import("/clients/records.js");
          let works = false;
          const flaky = (...how) => works ? fetch(...how) : Promise.reject(new Error("offline"));
          const report = postRecords({ url: "/records", userId, flushSeconds: 3600, fetch: flaky });
          globalThis.model = await open({ userId, report });
          await ask(model);
          model.record("booked", 1, "order-7");
          await report.flush();
          works = true;
          await report.flush();
          await report.flush();
          report.stop();
        }""",
            TREATED,
        )
        assert [line["event_id"] for line in cdn.records] == [f"given-{V2}", "order-7"]
        public = assignment()
        kept = Experiment(
            id=public.experiment, model=MODEL, control=V1, treatment=V2, percent=50, salt=SALT,
            starts=0, ends=1, window_seconds=0, metrics=(BOOKED,), alpha=0.05,
            when_decided="tell", actor="a", reason="r",
        )  # fmt: skip
        read = batch(kept, [json.dumps(line) for line in cdn.records])
        assert read.wrong == ()
        [(user, entries)] = read.users.items()
        assert user == TREATED
        assert {entry.version for entry in entries} == {kept.version_of(kept.arm_of(user))}
        assert sum(entry.amount for entry in entries) == 1_000_000

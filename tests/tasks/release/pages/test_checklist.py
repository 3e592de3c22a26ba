"""The release checklist says what was shown of a version, and nothing that was not."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from tasks.gates import scan
from tasks.gates.trial import checks as trial
from tasks.release import run, start_release
from tasks.release.journal.record import ArmFigures, Journal, Point
from tasks.release.pages.checklist import SCANNED, TRIED, checklist, page
from tasks.release.tasks import keep_checklist
from tasks.specs.artefact import ArtefactSpec
from tasks.specs.trial import TrialSpec
from tasks.values import WARNING, BundleFile, Check, Manifest, Verdict
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2
from tests.tasks.release.test_crashes import SHORT

LINES = (
    *(
        "rows",
        "accuracy",
        "sizes",
        "security scan",
        "load test",
        "A/B configuration",
        "versioned upload",
    ),
    *("invalidation", "health", "alarms", "service level", "error rate", "rollback plan"),
)
WHOLE = {V1: "", V2: ""}


@pytest.fixture(scope="module")
def ended() -> Journal:
    world = memory.serving_world(release=SHORT)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    journal = run(world.context("a"), MODEL)
    assert journal.phase == "done"
    return journal


def manifest(**more: Any) -> Manifest:
    files = (
        *(("model.tar.gz", 630_000), ("tflite/model_int8.tflite", 40_000)),
        *(("tfjs/model.json", 2_000), ("tfjs/weights.bin", 58_000), ("evidence/gate.json", 900)),
    )
    listed = tuple(BundleFile(path=path, size=size, sha256="0" * 64) for path, size in files)
    told = {
        **dict.fromkeys(
            ("created", "identity", "training_job", "snapshot", "snapshot_fingerprint", "code_hash",
             "contract", "contract_version"), ""),
        "hyperparameters": {}, "metrics": {}, "parity": {"tflite_int8": 0.0123456},
        "files": listed, **more,
    }  # fmt: skip
    return Manifest.model_validate({"model": MODEL, "version": V2, **told})


def gate(**outcomes: str) -> Verdict:
    names = {"mae": "pass", "pickles": "pass", "serving p95": "pass", **outcomes}
    checks = [
        Check(name=name, outcome=outcome, observed=f"{name}!", bound="b")
        for name, outcome in names.items()
    ]
    return Verdict.of("candidate", tuple(checks))


ROWS = Verdict.of(
    "rows",
    (
        Check(name="duplicates", outcome="pass", observed="0"),
        Check(name="label noise", outcome="pass", observed="3 %", detail=f"{WARNING}some are off"),
    ),
)


def lines(journal: Journal, **more: Any) -> dict[str, Check]:
    told = {"rows": ROWS, "gate": gate(), "intact": WHOLE, "back": V1, "experiment": (), **more}
    verdict = checklist(journal, told.pop("manifest", manifest()), **told)
    assert tuple(check.name for check in verdict.checks) == LINES
    return {check.name: check for check in verdict.checks}


def served(journal: Journal, requests: int, errors: int, p99: float = 20.0) -> Journal:
    point = Point(
        at=0, share=0.1, against=0, proven=0, stable=ArmFigures(),
        candidate=ArmFigures(requests=requests, errors=errors, latency_p99=p99),
    )  # fmt: skip
    return journal.model_copy(update={"timeline": (point,)})


def test_a_version_of_which_all_was_shown(ended: Journal) -> None:
    found = lines(served(ended, 1000, 9))
    outcomes = {name: check.outcome for name, check in found.items()}
    assert outcomes == dict.fromkeys(LINES, "pass")
    assert found["rows"].observed == "warned of label noise"
    assert found["accuracy"].observed == "mae mae!"
    assert found["load test"].observed == "serving p95 serving p95!"
    assert "model.tar.gz 630" in found["sizes"].observed
    assert "tfjs 60" in found["sizes"].observed
    assert found["sizes"].detail == "answers as the original does: tflite_int8 within 0.01235"
    assert "0.9\u00a0%" in found["error rate"].observed
    assert found["rollback plan"].observed == f"to {V1}"


def test_it_knows_the_names_that_the_gate_gives_its_checks(tmp_path: Path) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("bundle.json"))
    looked = [
        check.name
        for path in (archive, tmp_path / "none.tar.gz")
        for check in scan.checks(scan.scan(path, 1000), ArtefactSpec(), own_code=False)
    ]
    assert set(looked) == SCANNED
    limits = TrialSpec(p95_ms=1, memory_mb=1, cold_start_seconds=1)
    tried = [*trial.checks(trial.Trial(requests=1), limits)]
    tried += trial.checks(trial.Trial(failure="no weights"), limits)
    assert {check.name for check in tried} == TRIED


def test_what_nobody_has_shown_is_not_ticked(ended: Journal) -> None:
    bare = ended.model_copy(update={"marks": {}, "timeline": (), "strategy": "direct"})
    found = lines(bare, rows=None, gate=None, intact={}, back=None, manifest=manifest(files=()))
    shown = {name for name, check in found.items() if check.outcome == "pass"}
    assert shown == {"A/B configuration"}
    assert {found[name].outcome for name in LINES} == {"pass", "inconclusive"}
    assert found["rollback plan"].detail == "a first version can only be taken down"
    assert found["alarms"].detail == "direct: no canary, no alarms"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"gate": gate(mae="fail")}, "accuracy"),
        ({"gate": gate(pickles="fail")}, "security scan"),
        ({"gate": gate(**{"serving p95": "fail"})}, "load test"),
        ({"intact": {**WHOLE, V2: "a.bin differs"}}, "versioned upload"),
        ({"intact": {**WHOLE, V1: "a.bin is gone"}}, "rollback plan"),
    ],
)
def test_a_line_fails_for_its_own_reason(ended: Journal, change: Any, line: str) -> None:
    found = lines(served(ended, 1000, 0), **change)
    assert [name for name, check in found.items() if check.outcome == "fail"] == [line]


@pytest.mark.parametrize(
    ("errors", "p99", "failed"),
    [
        (10, 20.0, ["error rate"]),
        (60, 20.0, ["service level", "error rate"]),
        (0, 2001.0, ["service level"]),
    ],
)
def test_users_are_counted(ended: Journal, errors: int, p99: float, failed: list[str]) -> None:
    found = lines(served(ended, 1000, errors, p99))
    assert [name for name, check in found.items() if check.outcome == "fail"] == failed


@pytest.mark.parametrize(
    ("said", "tried", "outcome"),
    [("pass", "pass", "pass"), ("fail", "pass", "fail"), ("pass", "fail", "fail")],
)
def test_the_load_test_is_of_the_own_variant_and_of_the_trial(
    ended: Journal, said: str, tried: str, outcome: str
) -> None:
    asked = f"{said}: v2 answered 50 sample requests at 25 a second, p95 4 ms"
    told = ended.model_copy(update={"marks": {**ended.marks, "health": asked}})
    check = lines(told, gate=gate(**{"serving p95": tried}))["load test"]
    assert check.outcome == outcome
    assert check.observed == "v2 answered 50 sample requests at 25 a second, p95 4 ms"
    assert check.detail == "on trial before: serving p95" + (
        " serving p95!" if tried == "pass" else ": serving p95!"
    )
    assert lines(told, gate=None)["load test"].outcome == said


def test_health_is_what_the_candidate_answered(ended: Journal) -> None:
    ill = ended.model_copy(update={"marks": {**ended.marks, "health": "fail: no answer"}})
    assert lines(ill)["health"].outcome == "fail"


def test_an_experiment_is_named(ended: Journal) -> None:
    found = lines(ended, experiment=frozenset({V2, V1}))
    assert found["A/B configuration"].detail == f"an experiment compares {V1}, {V2}"


def test_the_page_says_how_much_was_shown_and_where_it_is_kept(ended: Journal) -> None:
    verdict = checklist(served(ended, 10, 0), manifest(), ROWS, None, WHOLE, V1, ())
    text = page(verdict, "s3://registry/x.json")
    assert text.startswith(f"# ? Release checklist of {MODEL} {V2}")
    said = "10 of 13 lines shown; shown by nobody: accuracy, security scan, load test."
    assert said in text
    assert text.endswith("Kept as `s3://registry/x.json`.")
    broken = checklist(served(ended, 10, 1), manifest(), ROWS, gate(), WHOLE, V1, ())
    assert "; not kept: service level, error rate." in page(broken, "")


def test_it_is_kept_once_when_the_release_has_ended() -> None:
    world = memory.serving_world(release=SHORT)
    begun = start_release(world.context("a"), MODEL, V2, "ann", "weekly")

    def kept() -> str:
        context = world.context("a")
        return keep_checklist.fn(context, MODEL, begun.release_id, lambda _model: frozenset())

    assert kept() == ""
    run(world.context("a"), MODEL)
    assert kept() == f"memory://{begun.release_id}"
    first = dict(world.checklists)
    assert Verdict.model_validate_json(first[begun.release_id]).subject == f"{MODEL} {V2}"
    kept()
    assert world.checklists == first

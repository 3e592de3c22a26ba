"""Candidates that were prepared to be bad in one way each: each is stopped, and for that reason.

Whatever else can be wrong has tests of its own; these say which gate stands for what.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tasks.conversion.parity import parity_of
from tasks.conversion.report import ARTIFACTS, Converted
from tasks.conversion.report import judge as judge_conversion
from tasks.gates.decide import decide
from tasks.gates.rows.finding import RowFinding
from tasks.gates.rows.leaks import leaking
from tasks.gates.rows.sides import ChannelRows, RowFeature
from tasks.gates.rows.targets import RowTarget
from tasks.gates.scan import checks as scanned
from tasks.gates.scan import scan
from tasks.gates.trial.checks import Trial, checks
from tasks.specs.artefact import ArtefactSpec
from tasks.specs.conversion import ConversionSpec, FormatSpec
from tasks.specs.data_gates import LeakingColumnSpec
from tasks.specs.gates import GateSpec
from tasks.specs.trial import TrialSpec
from tasks.values import Verdict
from tests.tasks.gates.answered import classed, side_by_side
from tests.tasks.gates.test_scan import PLAIN, packed

GOOD = {"accuracy": 0.91, "ece": 0.01}
BASELINE = {"accuracy": 0.85, "ece": 0.03}
GATES = (
    GateSpec(metric="accuracy", at_least=0.85, no_worse_than_champion=0.02,
             no_worse_than_baseline=0.0),
    GateSpec(metric="ece", at_most=0.02),
)  # fmt: skip
DRAW = np.random.default_rng(0)
CHANCES = DRAW.dirichlet(np.ones(4), 300)


@dataclass(frozen=True)
class Prepared:
    """What a candidate measures, holds and costs; the defaults are a good one."""

    metrics: dict[str, float] = field(default_factory=lambda: dict(GOOD))
    champion: dict[str, float] = field(default_factory=lambda: dict(GOOD))
    files: dict[str, bytes] = field(default_factory=dict)
    p95_ms: float = 20.0
    converted: Any = None
    size: int = 50_000
    leaks: bool = False


BAD = {
    "overfit": (
        # 1.0 where it learned, worse than a plain model where it did not.
        Prepared(metrics={"accuracy": 0.71, "ece": 0.01}),
        ["accuracy", "accuracy vs champion", "accuracy vs baseline"],
    ),
    "champion better": (Prepared(champion={**GOOD, "accuracy": 0.94}), ["accuracy vs champion"]),
    "uncalibrated": (Prepared(metrics={**GOOD, "ece": 0.09}), ["ece"]),
    "not a number": (Prepared(metrics={**GOOD, "ece": float("nan")}), ["ece"]),
    "leaked": (Prepared(leaks=True), ["leaking column: sold_for"]),
    "too large": (Prepared(size=1_000_001), ["tflite_int8 size"]),
    "too slow": (Prepared(p95_ms=180.0), ["serving p95"]),
    "pickle inside": (
        Prepared(files={"weights.bin": pickle.dumps([1, 2, {"a": 3}])}),
        ["pickles"],
    ),
    "NaN after conversion": (
        Prepared(converted=np.where(np.arange(1200).reshape(300, 4) == 7, np.nan, CHANCES)),
        ["tflite_int8 parity"],
    ),
    "int8 collapse": (
        Prepared(converted=np.tile(CHANCES[0], (300, 1))),
        ["tflite_int8 parity", "tflite_int8 agreement"],
    ),
}


def judged(prepared: Prepared, folder: Path) -> dict[str, str]:
    """Names of what did not pass, by every gate, with its outcome."""
    found = decide("m", GATES, prepared.metrics, prepared.champion, BASELINE)
    archive = packed(folder / "model.tar.gz", {**PLAIN, **prepared.files})
    looked = scanned(scan(archive, 10**9), ArtefactSpec(), own_code=False)
    tried = checks(Trial(requests=400, p95_ms=prepared.p95_ms), TrialSpec(p95_ms=100))
    answer = CHANCES if prepared.converted is None else prepared.converted
    made = Converted(
        format="tflite_int8",
        files={ARTIFACTS["tflite_int8"]: prepared.size},
        parities=(parity_of(CHANCES.tolist(), answer.tolist(), 1, "LiteRT"),),
        seconds=1.0,
    )
    limits = ConversionSpec(tflite_int8=FormatSpec(max_bytes=1_000_000, max_error=0.05))
    converted: Verdict = judge_conversion("m", limits, (made,))
    every = (*found.checks, *looked, *tried, *converted.checks)
    told = {check.name: check.outcome for check in every if check.outcome != "pass"}
    return told | {one.name: one.level for one in _rows(prepared.leaks) if one.level == "fail"}


def _rows(leaks: bool) -> tuple[RowFinding, ...]:
    sold = DRAW.random(400) < 0.4
    after = np.where(sold, 100 + DRAW.random(400), 0.0) if leaks else DRAW.random(400)
    columns = {"sold_for": after, "rooms": DRAW.random(400)}
    rows = ChannelRows(
        names=np.asarray([f"h{n}" for n in range(400)]),
        labels=sold,
        columns=columns,
        days=np.full(400, np.datetime64("2026-01-05")),
        key=("id",),
    )
    target = RowTarget("yes or no", sold[:, None], ("sold",))
    features = [RowFeature(name, "number", False) for name in columns]
    return leaking(rows, features, target, LeakingColumnSpec(), {})


def test_a_good_candidate_is_stopped_by_nothing(tmp_path: Path) -> None:
    assert judged(Prepared(), tmp_path) == {}


@pytest.mark.parametrize("kind", BAD)
def test_each_is_stopped_for_its_own_reason(kind: str, tmp_path: Path) -> None:
    prepared, stopped = BAD[kind]
    told = judged(prepared, tmp_path)
    assert set(stopped) <= set(told)
    # What it was not prepared for passes.
    assert {name.partition(" ")[0] for name in told} == {name.partition(" ")[0] for name in stopped}
    assert set(told.values()) <= {"fail", "error"}


def test_one_that_is_worse_for_some_is_stopped_there() -> None:
    right = DRAW.random(600) < 0.9
    town = ["Kent" if n < 150 else "Renton" for n in range(600)]
    broken = right.copy()
    broken[:150] &= DRAW.random(150) < 0.5
    broken[150:] = True
    gate = GateSpec.model_validate(
        {
            "metric": "accuracy",
            "no_worse_than_champion": 0.05,
            "confidence": 0.95,
            "slices": [{"column": "town", "no_worse_than_champion": 0.1}],
        }
    )
    evidence = side_by_side(classed(broken), classed(right), town=town)
    shares = ({"accuracy": float(one.mean())} for one in (broken, right))
    found = decide("m", (gate,), *shares, {}, evidence)
    stopped = [check.name for check in found.checks if check.outcome == "fail"]
    assert stopped == ["accuracy vs champion in town: Kent"]


def test_a_metric_that_nobody_knows_is_refused_before_anything_is_trained() -> None:
    from tests.tasks.test_model_check import MODELS, ModelSpec, yaml

    raw = yaml.safe_load((MODELS / "price-estimator" / "model.yaml").read_text("utf-8"))
    with pytest.raises(ValidationError, match="accuracyy is no metric that Sluice measures"):
        ModelSpec.model_validate(raw | {"gates": [{"metric": "accuracyy", "at_least": 1}]})

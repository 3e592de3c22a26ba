"""Error and bias of the champion, followed week by week; and its error before labels arrive."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift import profile_batches
from tasks.drift.quality.concept import ConceptPolicy, Period, monitor, period
from tasks.drift.quality.estimate import estimate_error, learn_errors
from tasks.errors import ConfigurationError


def weeks(random, count, mean=0.0, wobble=0.0, rows=300, start=0):
    return [
        Period(
            name=f"w{start + index:02d}",
            rows=rows,
            mean=float(random.normal(mean, np.sqrt(wobble**2 + 1 / rows))),
            variance=1.0,
        )
        for index in range(count)
    ]


def test_a_step_in_the_bias_is_found_with_its_beginning_and_size():
    random = np.random.default_rng(0)
    later = weeks(random, 10) + weeks(random, 8, 0.3, start=10)
    state = monitor("bias", weeks(random, 12), later)
    assert state.outcome == "fail"
    assert state.since in {"w09", "w10", "w11"}
    assert state.change == pytest.approx(0.3, abs=0.1)
    assert max(state.history[:10]) < state.bound


@pytest.mark.parametrize("wobble", [0.0, 0.1])
def test_looking_every_week_for_a_year_costs_no_more_than_alpha(wobble):
    random = np.random.default_rng(1)
    policy = ConceptPolicy(alpha=0.1)
    runs = 120
    false = sum(
        monitor("bias", weeks(random, 8, wobble=wobble), weeks(random, 30, wobble=wobble), policy)
        .outcome == "fail"
        for _ in range(runs)
    )  # fmt: skip
    assert false <= 20  # 10 % of 120, and the binomial's 99 % point


def test_an_error_that_falls_is_no_alarm_but_a_bias_that_falls_is():
    random = np.random.default_rng(2)
    reference, later = weeks(random, 10, 1.0), weeks(random, 8, 0.5)
    assert monitor("error", reference, later, direction="up").outcome == "pass"
    assert monitor("bias", reference, later).outcome == "fail"
    assert monitor("error", reference, weeks(random, 8, 1.5), direction="up").outcome == "fail"


def test_a_change_within_the_tolerance_is_no_alarm():
    random = np.random.default_rng(3)
    state = monitor("bias", weeks(random, 10), weeks(random, 8, 0.3), ConceptPolicy(tolerance=0.5))
    assert state.outcome == "pass"
    assert state.evidence > state.bound


def test_without_reference_or_labels_nothing_is_said():
    random = np.random.default_rng(4)
    assert monitor("bias", weeks(random, 3), weeks(random, 9)).outcome == "inconclusive"
    assert monitor("bias", weeks(random, 8), []).outcome == "inconclusive"
    with pytest.raises(ConfigurationError, match="no labelled row"):
        period("w1", [float("nan")])
    assert period("w1", [1.0, 3.0, float("inf")]) == Period(
        name="w1", rows=2, mean=2.0, variance=1.0
    )


def scored(random, shape, size=4_000):
    """Probabilities of a calibrated classifier, and whether it erred."""
    p = random.beta(*shape, size)
    return p, (random.random(size) < np.minimum(p, 1 - p)).astype(float)


def test_the_error_is_estimated_before_labels_arrive():
    random = np.random.default_rng(5)
    p, erred = scored(random, (0.5, 0.5))
    columns = {"score": "numeric"}
    base = profile_batches([pa.RecordBatch.from_pydict({"score": p})], columns)
    learned = learn_errors(base.grid.numeric["score"], p, erred)
    later, truth = scored(random, (2.0, 2.0))
    harder = profile_batches([pa.RecordBatch.from_pydict({"score": later})], columns, base.grid)
    found = estimate_error(learned, harder.columns["score"])
    assert found.low < truth.mean() < found.high
    assert found.error > found.labelled_error + 0.1
    assert found.labelled_error == pytest.approx(erred.mean())
    assert found.beyond < 0.2


def test_scores_that_no_label_covers_are_told():
    random = np.random.default_rng(6)
    p = random.uniform(0, 1, 2_000)
    columns = {"score": "numeric"}
    base = profile_batches([pa.RecordBatch.from_pydict({"score": p})], columns)
    grid = base.grid.numeric["score"]
    learned = learn_errors(grid, p, p)
    narrow = random.uniform(0.999, 1.0, 2_000)
    seen = profile_batches([pa.RecordBatch.from_pydict({"score": narrow})], columns, base.grid)
    assert estimate_error(learned, seen.columns["score"]).beyond > 0.9
    with pytest.raises(ConfigurationError, match="too few"):
        learn_errors(grid, p[:50], p[:50])
    other = profile_batches([pa.RecordBatch.from_pydict({"score": narrow})], columns)
    with pytest.raises(ConfigurationError, match="not on the grid"):
        estimate_error(learned, other.columns["score"])


def test_overwhelming_evidence_stays_a_number():
    random = np.random.default_rng(7)
    far = [week.model_copy(update={"mean": 1e4, "rows": 10**6}) for week in weeks(random, 4)]
    state = monitor("bias", weeks(random, 8), far)
    assert state.outcome == "fail"
    assert np.isfinite(state.evidence)

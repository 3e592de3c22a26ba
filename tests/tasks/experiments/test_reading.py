"""Users, shares, intervals and decisions: what a person is told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from scipy.stats import binom

from tasks.buckets import bucket
from tasks.experiments import ratio
from tasks.experiments.blocks import (
    MILLION,
    SLICES,
    Cell,
    all_counted,
    block_of,
    closed,
    end_of,
    part,
    slice_of,
    sums_of,
)
from tasks.experiments.decision import decide
from tasks.experiments.page import page, started_page
from tasks.experiments.plan import BLOCKS, DAY, HOUR, Experiment, SuccessMetric
from tasks.experiments.reading import Reading, read
from tests.tasks.experiments.conftest import BOOKED, START, V1, V2, an_experiment

SPENT = SuccessMetric(
    name="spent", kind="mean", direction="decrease", minimal_difference=1.0, cap=10.0
)


def counted(
    experiment: Experiment, rates: dict[str, tuple[float, float]], per_block: int = 200,
    blocks: int = 48, seed: int = 1, share: float | None = None,
) -> list[Cell]:  # fmt: skip
    """Users counted in the first blocks; rates of (treatment, control) by metric."""
    rng = np.random.default_rng(seed)
    cells = []
    for block in range(blocks):
        n_t = int(rng.binomial(per_block, experiment.share if share is None else share))
        for arm, n, column in (("treatment", n_t, 0), ("control", per_block - n_t, 1)):
            hits = {name: int(rng.binomial(n, pair[column])) for name, pair in rates.items()}
            sums = {name: (h * MILLION, h * MILLION**2) for name, h in hits.items()}
            cells.append(
                Cell(block=block, slice=block % SLICES, arm=arm, users=n, crossed=0, sums=sums)
            )
    return cells


def at(experiment: Experiment, block: int) -> float:
    return end_of(experiment, block) + 120.0


def seen(experiment: Experiment, cells: list[Cell], now: float | None = None) -> Reading:
    return read(experiment, cells, at(experiment, 48) if now is None else now)


# -- shares ------------------------------------------------------------------------------------


def test_the_evidence_against_the_shares_is_one_on_average_exactly() -> None:
    for share in (0.5, 0.1):
        chances = [
            math.exp(ratio.log_evidence(k, 30 - k, share)) * binom.pmf(k, 30, share)
            for k in range(31)
        ]
        assert sum(chances) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_true_shares_are_doubted_no_more_often_than_promised(share: float) -> None:
    """400 experiments of 20,000 users, looked at 50 times, at 5 % to be measurable."""
    rng = np.random.default_rng(7)
    n_t = rng.binomial(400, share, (400, 50)).cumsum(1)
    n_c = 400 * np.arange(1, 51) - n_t
    doubted = np.array(
        [ratio.peak(list(zip(a, b, strict=True)), share) for a, b in zip(n_t, n_c, strict=True)]
    ) >= -math.log(0.05)
    assert doubted.sum() <= binom.ppf(0.999, doubted.size, 0.05)


def test_lost_users_are_found_before_they_can_mislead() -> None:
    """One in eight users of the treatment is lost: found within 8,000 users, at 0.1 %."""
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(200):
        n_t = int(rng.binomial(8000, 0.5 * 0.875 / 0.9375))
        found += ratio.log_evidence(n_t, 8000 - n_t, 0.5) >= -math.log(0.001)
    assert found > 150


def test_a_mismatch_stops_the_reading_and_names_no_winner() -> None:
    experiment = an_experiment()
    cells = counted(experiment, {"booked": (0.6, 0.1)}, share=0.4)
    reading = seen(experiment, cells)
    assert reading.mismatch
    assert reading.metrics == ()
    decision = decide(experiment, reading)
    assert (decision.kind, decision.winner) == ("stopped", None)
    assert decision.reason.startswith("Sample-ratio mismatch: ")
    told = page(experiment, reading, decision)
    assert "Nothing below is a comparison" in told
    assert "0.6" not in told
    assert "data:image" not in told


def test_users_in_their_window_count_for_the_shares_already() -> None:
    experiment = an_experiment()
    assert read(experiment, [], START + 1, pending=(900, 100)).mismatch
    assert not read(experiment, [], START + 1, pending=(480, 520)).mismatch


# -- decisions ---------------------------------------------------------------------------------

TWO = (BOOKED, SuccessMetric(name="left", direction="decrease", minimal_difference=0.05))


@pytest.mark.parametrize(
    ("rates", "kind", "winner"),
    [
        ({"booked": (0.5, 0.2), "left": (0.1, 0.1)}, "winner", V2),
        ({"booked": (0.2, 0.5), "left": (0.1, 0.1)}, "winner", V1),
        ({"booked": (0.2, 0.2), "left": (0.3, 0.1)}, "winner", V1),
        ({"booked": (0.2, 0.2), "left": (0.1, 0.1)}, "no difference", None),
        ({"booked": (0.5, 0.2), "left": (0.4, 0.1)}, "undecided", None),
        ({"booked": (0.5, 0.2), "left": (0.15, 0.1)}, "undecided", None),
    ],
)
def test_a_reading_means(rates: Any, kind: str, winner: str | None) -> None:
    experiment = an_experiment(metrics=TWO)
    decision = decide(experiment, seen(experiment, counted(experiment, rates)))
    assert (decision.kind, decision.winner) == (kind, winner), decision.reason


def test_undecided_ends_when_the_last_user_is_counted() -> None:
    experiment = an_experiment(window_seconds=DAY)
    cells = counted(experiment, {"booked": (0.15, 0.1)}, per_block=10)
    over = all_counted(experiment)
    assert over > experiment.ends + DAY
    assert decide(experiment, seen(experiment, cells, over - 1)).kind == "undecided"
    ended = decide(experiment, seen(experiment, cells, over))
    assert (ended.kind, ended.winner) == ("stopped", None)
    assert ended.reason.startswith("The time is over without a decision")


def test_more_metrics_make_each_interval_wider() -> None:
    one, two = an_experiment(), an_experiment(metrics=TWO)
    cells = counted(two, {"booked": (0.3, 0.2), "left": (0.1, 0.1)})
    alone, beside = seen(one, cells).metrics[0], seen(two, cells).metrics[0]
    assert beside.low < alone.low < alone.high < beside.high
    assert two.metric_alpha == one.alpha / 2


def test_a_mean_is_told_in_its_own_unit() -> None:
    experiment = an_experiment(metrics=(SPENT,))
    cells = counted(experiment, {"spent": (0.1, 0.5)}, per_block=100)
    found = seen(experiment, cells).metrics[0]
    assert found.treatment == pytest.approx(1.0, abs=0.2)
    assert found.control == pytest.approx(5.0, abs=0.3)
    assert found.low < -4 < found.high < 0
    assert found.state == "better"


def test_nothing_recorded_is_undecided_and_says_so() -> None:
    experiment = an_experiment()
    reading = read(experiment, [], START + DAY, pending=(3, 2))
    assert (
        decide(experiment, reading).reason == "No user has been counted yet; 5 are in their window."
    )
    assert "(evidence against: none)" in page(experiment, reading, decide(experiment, reading))


def test_only_blocks_that_are_over_are_read() -> None:
    experiment = an_experiment()
    cells = counted(experiment, {"booked": (0.2, 0.2)}, blocks=10)
    assert experiment.block_seconds == HOUR
    assert closed(experiment, START + 10 * HOUR + 59) == 9
    assert closed(experiment, START + 10 * HOUR + 60) == 10
    early, late = (seen(experiment, cells, START + 10 * HOUR + s) for s in (59, 60))
    assert (sum(early.users), sum(late.users)) == (1800, 2000)


@limits(max_examples=15)
@given(st.randoms(use_true_random=False))
def test_the_order_of_what_was_counted_does_not_matter(random: Any) -> None:
    experiment = an_experiment()
    cells = counted(experiment, {"booked": (0.3, 0.2)}, blocks=6)
    halves = [
        Cell(
            c.block,
            c.slice,
            c.arm,
            n,
            0,
            {k: (s, q) if i else (0, 0) for k, (s, q) in c.sums.items()},
        )
        for c in cells
        for i, n in enumerate((c.users // 3, c.users - c.users // 3))
    ]
    random.shuffle(halves)
    now = at(experiment, 6)
    assert read(experiment, halves, now) == read(experiment, cells, now)


# -- users -------------------------------------------------------------------------------------


def test_arms_are_the_shared_buckets_below_the_split() -> None:
    experiment = an_experiment(percent=30)
    users = [f"user-{n}" for n in range(3000)]
    arms = [experiment.arm_of(user) for user in users]
    assert [arm == "treatment" for arm in arms] == [bucket(user, "salt") < 30 for user in users]
    assert 0.27 < arms.count("treatment") / 3000 < 0.33
    both = [
        slice_of(experiment, u) for u, arm in zip(users, arms, strict=True) if arm == "treatment"
    ]
    shares = np.bincount(both, minlength=SLICES) / len(both)
    assert shares.min() > 0.08


@pytest.mark.parametrize(
    ("metric", "amount", "y"),
    [
        (BOOKED, 0, 0), (BOOKED, 1, MILLION), (BOOKED, 5 * MILLION, MILLION), (BOOKED, -1, 0),
        (SPENT, 0, 0), (SPENT, 5 * MILLION, MILLION // 2), (SPENT, 99 * MILLION, MILLION),
        (SPENT, -MILLION, 0),
    ],
)  # fmt: skip
def test_a_user_counts_for_his_capped_sum(metric: SuccessMetric, amount: int, y: int) -> None:
    assert part(metric, amount) == y


def test_users_are_put_into_the_block_in_which_their_window_ends() -> None:
    experiment = an_experiment()
    assert block_of(experiment, START) == 0
    assert block_of(experiment, START + HOUR) == 1
    assert block_of(experiment, experiment.ends) == BLOCKS
    sums, blocks = sums_of(counted(experiment, {"booked": (0.2, 0.2)}, blocks=3), "booked")
    assert blocks == (0, 1, 2)
    assert sums.n_t.sum() + sums.n_c.sum() == 600


# -- the page ----------------------------------------------------------------------------------


def test_a_page_tells_decision_picture_numbers_and_what_to_do() -> None:
    experiment = an_experiment(metrics=TWO)
    reading = seen(experiment, counted(experiment, {"booked": (0.5, 0.2), "left": (0.1, 0.1)}))
    told = page(experiment, reading, decide(experiment, reading))
    assert told.startswith("# ✔ Experiment on m: v20260102_020000 wins\n")
    assert told.count("data:image/svg+xml") == 2
    assert "**Next:** conclude it with **experiment/conclude**" in told
    assert "✅ fit the split" in told
    assert "shared by 2 metrics in equal parts" in told
    assert len(reading.metrics[0].history) == 48
    assert "50 percent of the users are given v20260102_020000" in started_page(experiment)

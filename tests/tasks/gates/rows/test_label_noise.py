"""Labels that are flipped on purpose, as the estimate has them."""

import numpy as np
import pytest

from tasks.gates.rows.chances import of_pixels, of_table, of_texts
from tasks.gates.rows.label_noise import estimated, noise
from tasks.specs.data_gates import LabelNoiseSpec
from tests.tasks.gates.rows.made import texts

pytestmark = pytest.mark.seconds(15)
COUNT = 2_000
RULE = LabelNoiseSpec()
NAMES = np.asarray([f"k{number}" for number in range(COUNT)])


def table(truth, rng):
    """Two classes 3σ apart, a number with gaps and a category among the columns."""
    columns = {f"c{n}": rng.normal(0, 1, len(truth)) + 1.5 * truth for n in range(4)}
    columns["gaps"] = np.where(rng.random(len(truth)) < 0.3, np.nan, rng.normal(0, 1, len(truth)))
    columns["kind"] = texts(rng.choice(list("abc"), len(truth)))
    return columns


def sentences(truth, rng):
    words, own = [f"w{n}" for n in range(300)], ["good", "bad"]
    return [
        " ".join([*rng.choice(words, 8), *(f"{own[one]}{n}" for n in rng.integers(0, 30, 3))])
        for one in truth
    ]


def pictures(truth, rng):
    patterns = rng.random((2, 16, 16, 3))
    return 0.25 * patterns[truth] + rng.normal(0.4, 0.2, (len(truth), 16, 16, 3))


MADE = {
    "table": (table, of_table),
    "texts": (sentences, of_texts),
    "pixels": (pictures, of_pixels),
}


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("kind", MADE)
def test_flipped_labels_are_estimated_within_three_points_and_named(kind, share):
    make, chances = MADE[kind]
    rng = np.random.default_rng(7)
    truth = rng.integers(0, 2, COUNT)
    wrong = np.zeros(COUNT, dtype=bool)
    wrong[rng.choice(COUNT, int(share * COUNT), replace=False)] = True
    labels = np.where(wrong, 1 - truth, truth)
    estimate = estimated(chances(make(truth, rng), labels), labels)
    assert abs(estimate.share - share) <= 0.03
    assert estimate.low <= estimate.share <= estimate.high
    assert estimate.low - 0.02 <= share <= estimate.high + 0.02
    assert wrong[estimate.suspects[:20]].mean() >= 0.9, "the first to look at are wrong"


@pytest.mark.parametrize("kind", MADE)
def test_where_nothing_is_flipped_nothing_is_found(kind):
    make, chances = MADE[kind]
    rng = np.random.default_rng(8)
    truth = rng.integers(0, 2, COUNT)
    estimate = estimated(chances(make(truth, rng), truth), truth)
    assert estimate.share < 0.01
    assert noise(estimate, NAMES, ("no", "yes"), RULE).level == "pass"


def told(skill_rows, share, rng):
    """Chances that are right of so many rows, and labels of which a share is flipped."""
    truth = rng.integers(0, 2, COUNT)
    sure = np.where(rng.random(COUNT) < skill_rows, 0.95, 0.5 + 0.05 * rng.normal(0, 1, COUNT))
    chances = np.clip(np.where(truth == 1, sure, 1 - sure), 0.001, 0.999)
    labels = np.where(rng.random(COUNT) < share, 1 - truth, truth)
    return np.stack([1 - chances, chances], axis=1), labels


def test_hard_rows_are_no_wrong_labels():
    """Two classes 1σ from their border, as well as anybody can tell them."""
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 20_000)
    seen = rng.normal(0, 1, 20_000) + np.where(truth == 1, 1.0, -1.0)
    chance = 1 / (1 + np.exp(-2 * seen))
    estimate = estimated(np.stack([1 - chance, chance], axis=1), truth)
    assert estimate.share < 0.03
    assert (np.where(chance > 0.5, 1, 0) != truth).mean() > 0.15


def test_the_bound_is_broken_by_the_whole_interval():
    rng = np.random.default_rng(2)
    many = estimated(*told(1.0, 0.3, rng))
    finding = noise(many, NAMES, ("no", "yes"), LabelNoiseSpec(severity="fail"))
    assert finding.level == "fail"
    assert finding.examples[0].startswith("k")
    assert finding.examples[0].endswith(("(likelier no)", "(likelier yes)"))
    assert noise(many, NAMES, (), RULE).examples[0].isalnum(), "private labels are not named"
    assert noise(many, NAMES, (), RULE).level == "warn"
    assert noise(many, NAMES, (), LabelNoiseSpec(at_most=many.low)).level == "pass"


def test_what_nobody_can_tell_is_not_estimated():
    rng = np.random.default_rng(3)
    chances, labels = told(0.0, 0.0, rng)
    labels = rng.permutation(labels)
    finding = noise(estimated(chances, labels), NAMES, ("no", "yes"), RULE)
    assert finding.level == "unknown"
    assert "look alike" in finding.why


def test_texts_without_a_word_and_numbers_without_an_end_tell_nothing():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 200)
    silent = of_texts(["!", "?"] * 100, labels)
    assert noise(estimated(silent, labels), NAMES, (), RULE).level == "unknown"
    endless = np.where(rng.random(200) < 0.5, np.inf, rng.normal(0, 1, 200))
    assert np.isfinite(of_table({"one": endless}, labels)).all()


def test_the_many_values_of_a_text_are_read_as_words():
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 600)
    said = texts(f"{n} {'good' if one else 'bad'}" for n, one in enumerate(labels))
    assert estimated(of_table({"said": said}, labels), labels).skill > 0.95

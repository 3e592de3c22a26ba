"""Rows on both sides, and rows that contradict each other."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gates.rows.twins import contradicting, contradictions, duplicates, same_key, twins
from tasks.specs.data_gates import ContradictionsSpec, DuplicatesSpec, SameKeySpec
from tests.tasks.gates.rows.made import WORDS, rows, texts

RULE = DuplicatesSpec()
VALUES = st.tuples(
    st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan")]),
    st.sampled_from(["", "x", "y"]),
    st.sampled_from(["a", "b"]),
)
SIDE = st.lists(VALUES, min_size=1, max_size=30)


def side(values):
    one, other, labels = zip(*values, strict=True)
    return rows({"one": np.asarray(one), "other": texts(other)}, labels)


def same(value):
    """A row as two people would call it the same."""
    return tuple("gap" if part != part else part for part in value)  # noqa: PLR0124  NaN


@given(SIDE, SIDE)
def test_equal_rows_are_those_that_a_set_finds(training, holdout):
    there = {same(value) for value in training}
    found = twins(side(training), side(holdout))
    assert found.equal.tolist() == [same(value) in there for value in holdout]
    assert not (found.by_chance & ~found.equal).any()


@given(SIDE)
def test_a_row_contradicts_where_most_rows_like_it_have_another_label(values):
    by_row = defaultdict(Counter)
    for value in values:
        by_row[same(value)[:2]][value[2]] += 1
    least = sum(count.total() - max(count.values()) for count in by_row.values())
    assert contradicting(side(values)).sum() == least


def table(count, seed, first=0):
    """Measured rows: no two are equal."""
    rng = np.random.default_rng(seed)
    columns = {
        "size": rng.normal(100, 20, count),
        "kind": texts(rng.choice(list("abc"), count)),
        "rooms": rng.integers(1, 6, count) * 1.0,
    }
    return rows(columns, rng.choice(["no", "yes"], count), first=first)


def coarse(count, seed, first=0):
    """Rows of a few values each: most are equal to others."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.integers(0, 3, count) * 1.0 for name in ("one", "two", "three")}
    return rows(columns, rng.choice(["no", "yes"], count), first=first)


def test_copies_on_both_sides_fail_and_are_named():
    training, holdout = table(1_000, 0), table(200, 1, first=1_000)
    assert duplicates(training, holdout, RULE).level == "pass"
    copied = holdout.together(training.take(np.arange(30)))
    finding = duplicates(training, copied, RULE)
    assert (finding.level, finding.value) == ("fail", "30 of 230 (13 %)")
    assert finding.examples[0] == "k0"
    assert "data.split_by" in finding.advice
    few = duplicates(training, holdout.together(training.take(np.arange(5))), RULE)
    assert (few.level, few.value) == ("pass", "5 of 205 (2.44 %)")
    assert duplicates(training, copied, DuplicatesSpec(at_most=0.2)).level == "pass"
    assert duplicates(training, copied, DuplicatesSpec(severity="warn")).level == "warn"


@pytest.mark.parametrize(("column", "value"), [("size", 99.5), ("rooms", 9.0)])
def test_a_row_that_differs_in_one_value_is_no_copy(column, value):
    training = table(1_000, 0)
    other = training.take(np.arange(100))
    other.columns[column][:] = value
    assert not twins(training, other).equal.any()


def test_another_label_makes_no_copy():
    training = table(1_000, 0)
    other = training.take(np.arange(100))
    other.labels[:] = "maybe"
    assert not twins(training, other).equal.any()


def test_rows_of_coarse_columns_are_equal_by_chance():
    finding = duplicates(coarse(1_000, 0), coarse(200, 1), RULE)
    assert (finding.level, finding.value) == ("pass", "0 of 200 (0 %)")
    assert finding.why.startswith("200 of 200 (100 %) equal a training row by chance")


def test_columns_that_swap_their_values_are_not_equal():
    one = rows({"a": np.asarray([1.0, 5.0]), "b": np.asarray([2.0, 6.0])})
    other = rows({"a": np.asarray([2.0, 5.0]), "b": np.asarray([1.0, 6.0])})
    assert twins(one, other).equal.tolist() == [False, True]


def test_short_texts_recur_and_long_ones_are_copied():
    rng = np.random.default_rng(0)
    short = rows({"text": texts(rng.choice(["thank you", "great", "never again"], 300))})
    assert duplicates(short, short, RULE, ["text"]).level == "pass"
    said = rows({"text": texts(" ".join(rng.choice(WORDS, 12)) for _ in range(300))})
    assert duplicates(said, said, RULE, ["text"]).level == "fail"
    photos = rows({"picture": texts(range(100))})
    assert duplicates(photos, photos, RULE).value == "100 of 100 (100 %)"


def test_a_key_on_both_sides_is_found_and_none_is_not_looked_for():
    training, holdout = table(500, 0), table(100, 1, first=460)
    finding = same_key(training, holdout, SameKeySpec())
    assert (finding.level, finding.value) == ("fail", "40 of 100 (40 %)")
    assert finding.examples == ("k460", "k461", "k462", "k463", "k464")
    assert same_key(training, table(100, 1, first=500), SameKeySpec()).level == "pass"
    unkeyed = rows({"one": np.arange(3.0)}, key=())
    assert same_key(unkeyed, unkeyed, SameKeySpec()).level == "unknown"


def test_contradictions_are_counted_and_named():
    made = table(1_000, 0)
    turned = made.take(np.arange(80))
    turned.labels[:] = np.where(turned.labels == "yes", "no", "yes")
    twice = made.together(made).together(turned)
    finding = contradictions(twice, ContradictionsSpec(at_most=0.03))
    assert (finding.level, finding.value) == ("warn", "80 of 2,080 (3.85 %)")
    assert finding.examples[0] == "k0"
    assert contradictions(twice, ContradictionsSpec()).level == "pass"
    assert contradictions(made, ContradictionsSpec(at_most=0)).level == "pass"

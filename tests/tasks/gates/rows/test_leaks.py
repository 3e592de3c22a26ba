"""Columns that give the label away, those that are near it, and those that do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gates.rows.leaks import identifying, leaking
from tasks.gates.rows.strength import auc, told_by_absence
from tasks.specs.data_gates import LeakingColumnSpec
from tests.tasks.gates.rows.made import WORDS, classes, feature, number, rows, texts, yes

COUNT = 1_500
RULE = LeakingColumnSpec()
DRAW = np.random.default_rng(0)
SOLD = DRAW.random(COUNT) < 0.3
PRICE = np.exp(DRAW.normal(13, 0.5, COUNT))
KIND = DRAW.integers(0, 8, COUNT)
CODE = np.array([5, 3, 7, 0, 1, 6, 2, 4])[KIND]
NOISE = DRAW.normal(0, 1, COUNT)
SAID = [" ".join(DRAW.choice(WORDS, 8)) for _ in range(COUNT)]


def with_gaps(values, where):
    return np.where(where, np.nan, values)


LEAKS = {
    "the label itself": (SOLD.astype(float), "number", yes(SOLD), ""),
    "a score made of it": (SOLD + 0.2 * NOISE, "number", yes(SOLD), ""),
    "turned round": (-3.0 * SOLD, "number", yes(SOLD), ""),
    "missing where it is no": (with_gaps(NOISE, ~SOLD), "number", yes(SOLD), "its being missing"),
    "text missing where it is yes": (
        texts("" if one else "paid" for one in SOLD), "category", yes(SOLD), "its being missing",
    ),
    "a suffix": (
        texts(f"r-{n}-{'S' if one else 'X'}" for n, one in enumerate(SOLD)),
        "category", yes(SOLD), "its last character",
    ),
    "a prefix": (
        texts(f"{'S' if one else 'X'}{n:05}" for n, one in enumerate(SOLD)),
        "category", yes(SOLD), "its first character",
    ),
    "a last word": (
        texts(f"{n} {said} {'gone' if one else 'left'}"
              for n, (said, one) in enumerate(zip(SAID, SOLD, strict=True))),
        "text", yes(SOLD), "its last word",
    ),
    "a word inside": (
        texts(f"{n} {said} state={'gone' if one else 'left'} {said} {n}"
              for n, (said, one) in enumerate(zip(SAID, SOLD, strict=True))),
        "text", yes(SOLD), "words in it",
    ),
    "rounded": (np.round(PRICE, -4), "number", number(PRICE), ""),
    "its logarithm": (np.log(PRICE), "number", number(PRICE), ""),
    "beyond what 32 bits hold": (np.exp(300 * (PRICE / PRICE.max())), "number", number(PRICE), ""),
    "seconds in their order": (
        1.7e9 + np.argsort(np.argsort(PRICE)), "number", number(PRICE), "",
    ),
    "less a fee that differs": (-0.97 * PRICE + 5_000 * NOISE, "number", number(PRICE), ""),
    "in words": (
        texts(f"USD {one:,.0f}" for one in PRICE), "category", number(PRICE), "the number in it",
    ),
    "missing where it is cheap": (
        with_gaps(NOISE, np.median(PRICE) > PRICE), "number", number(PRICE), "its being missing",
    ),
    "codes of another order": (CODE.astype(float), "category", classes(KIND), ""),
    "codes that say more": (CODE + 8.0 * DRAW.integers(0, 9, COUNT), "number", classes(KIND), ""),
    "names one to one": (texts(f"kind {one}" for one in CODE), "category", classes(KIND), ""),
    "missing in one class": (
        with_gaps(NOISE, KIND == 3), "number", classes(KIND), "its being missing",
    ),
}  # fmt: skip
HONEST = {
    "noise": (NOISE, "number", yes(SOLD)),
    "a strong but honest one": (SOLD + 0.6 * NOISE, "number", yes(SOLD)),
    "an id": (np.arange(COUNT) * 1.0, "number", yes(SOLD)),
    "an id in text": (texts(range(COUNT)), "category", yes(SOLD)),
    "text": (texts(SAID), "text", yes(SOLD)),
    "missing at random": (with_gaps(NOISE, DRAW.random(COUNT) < 0.5), "number", yes(SOLD)),
    "missing mostly where it is no": (
        with_gaps(NOISE, ~SOLD & (DRAW.random(COUNT) < 0.9)), "number", yes(SOLD),
    ),
    "an appraisal": (PRICE * np.exp(0.1 * NOISE), "number", number(PRICE)),
    "a band of prices": (np.digitize(PRICE, np.quantile(PRICE, [0.25, 0.5, 0.75])) * 1.0,
                         "category", number(PRICE)),
    "half of the classes": (np.minimum(KIND, 4) * 1.0, "number", classes(KIND)),
    "one class of eight": ((KIND == 3) * 1.0, "number", classes(KIND)),
    "infinities": (np.where(KIND == 0, np.inf, NOISE), "number", yes(SOLD)),
    "nothing but gaps": (np.full(COUNT, np.nan), "number", yes(SOLD)),
    "one value": (np.ones(COUNT), "number", classes(KIND)),
}  # fmt: skip


def found(values, kind, target, rule=RULE, allowed=None):
    columns = {"column": np.asarray(values), "other": NOISE[::-1].copy()}
    features = [feature("other"), feature("column", kind)]
    return leaking(rows(columns), features, target, rule, allowed or {})


@pytest.mark.parametrize("planted", LEAKS.values(), ids=LEAKS)
def test_a_column_that_tells_the_label_is_named_with_what_to_do(planted):
    values, kind, target, how = planted
    [finding] = found(values, kind, target)
    assert (finding.name, finding.level) == ("leaking column: column", "fail")
    assert finding.why.startswith(f"column{f' ({how})' * bool(how)} tells the label by itself")
    assert "data.features: {column: drop}" in finding.advice


@pytest.mark.parametrize("honest", HONEST.values(), ids=HONEST)
def test_an_honest_column_is_none(honest):
    [finding] = found(*honest)
    assert (finding.name, finding.level) == ("leaking column", "pass")
    assert "the strongest of 2 is" in finding.why


def test_a_column_may_be_allowed_warned_of_and_held_to_another_bound():
    said = found(*LEAKS["rounded"][:3], allowed={"column": "the list price, known before"})
    assert [one.level for one in said] == ["pass"]
    assert said[0].why == "allowed: the list price, known before"
    assert [one.level for one in found(*LEAKS["rounded"][:3], LeakingColumnSpec(severity="warn"))
            ] == ["warn"]  # fmt: skip
    [strict] = found(*HONEST["an appraisal"], LeakingColumnSpec(at_least=0.9))
    assert (strict.level, strict.bound) == ("fail", "< 0.9")


def test_a_column_that_is_all_there_is_may_tell_the_label():
    values, kind, target, _ = next(iter(LEAKS.values()))
    only = [feature("column", kind)]
    [finding] = leaking(rows({"column": np.asarray(values)}), only, target, RULE, {})
    assert (finding.level, finding.why) == (
        "unknown",
        "column is all that an answer can be made of",
    )


def test_of_two_classes_as_of_a_yes_the_order_decides():
    score = SOLD + 0.2 * NOISE
    [finding] = found(score, "number", classes(SOLD.astype(int)))
    assert finding.value.startswith("area under ROC 0.99")


@pytest.mark.parametrize(
    "target", [yes(SOLD[:90]), yes(np.arange(COUNT) < 20), number(np.ones(COUNT))]
)
def test_few_rows_or_nothing_to_tell_are_not_judged(target):
    values = np.arange(len(target)) * 1.0
    features = [feature("column"), feature("other")]
    columns = {"column": values, "other": values}
    [finding] = leaking(rows(columns), features, target, RULE, {})
    assert (finding.level, finding.why) == ("unknown", "too few rows of each class")


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40))
def test_the_area_is_the_chance_that_a_yes_is_above_a_no(pairs):
    scores, said = (np.asarray(part) for part in zip(*pairs, strict=True))
    above = [
        1.0 if one > other else 0.5 if one == other else 0.0
        for one in scores[said]
        for other in scores[~said]
    ]
    assert auc(scores.astype(float), said) == pytest.approx(np.mean(above) if above else 0.5)


def test_absence_of_a_few_values_tells_nothing():
    missing = np.arange(COUNT) < 29
    assert told_by_absence(missing, yes(missing)) == 0.5
    assert told_by_absence(np.arange(COUNT) < 30, yes(np.arange(COUNT) < 30)) == 1.0


IDS = {
    "a counter": (np.arange(COUNT) + 7_000.0, "number", False, "count the rows"),
    "uuids": (texts(f"{n * 7919:x}-{n}" for n in range(COUNT)), "category", False, "one word"),
    "seconds since 1970": (1.7e9 + np.arange(COUNT) * 4321.0, "number", False, "rises with the"),
    "a key that is asked for": (
        DRAW.choice(10**9, COUNT, replace=False) * 1.0, "number", True, "contract's key",
    ),
}  # fmt: skip
MEASURED = {
    "prices": (PRICE, "number", False),
    "whole prices": (np.round(PRICE * 100), "number", False),
    "grades": (KIND * 1.0, "number", False),
    "texts": (texts(f"{n} {said}" for n, said in enumerate(SAID)), "text", False),
    "gaps": (np.full(COUNT, np.nan), "number", False),
}


def named(values, kind, key, severity="warn", allowed=None):
    days = np.datetime64("2026-01-01") + np.arange(COUNT) // 20
    made = rows({"column": values}, days=days)
    return identifying(made, [feature("column", kind, key=key)], severity, allowed or {})


@pytest.mark.parametrize("planted", IDS.values(), ids=IDS)
def test_what_only_names_rows_is_told(planted):
    values, kind, key, why = planted
    [finding] = named(values, kind, key)
    assert finding.level == "warn"
    assert why in finding.why
    assert [one.level for one in named(values, kind, key, "fail")] == ["fail"]
    assert [one.level for one in named(values, kind, key, "fail", {"column": "it must"})] == [
        "pass"
    ]


@pytest.mark.parametrize("honest", MEASURED.values(), ids=MEASURED)
def test_what_is_measured_may_differ_in_every_row(honest):
    assert [one.level for one in named(*honest)] == ["pass"]

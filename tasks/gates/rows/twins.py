"""Rows that are on both sides, and rows that contradict each other. Pure.

Rows are compared by sums of 64-bit hashes of their values: of a million rows, two different ones
are taken for equal with a chance of 3 in 100 million.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.gates.rows.finding import RowFinding, broken, unknown
from tasks.gates.rows.sides import ChannelRows, percent, shares
from tasks.specs.data_gates import ContradictionsSpec, DuplicatesSpec, SameKeySpec

Hashes = NDArray[np.uint64]
LABEL = "the label"
SHOWN = 5
LABELLED_FEATURE = 2
"""Columns of a single feature and its label: agreeing in one of them means nothing."""
FEWEST_WORDS = 4
"""Words of a text from which two people do not write it by chance."""
_ODD, _BITS = 0x9E3779B97F4A7C15, 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Twins:
    """Held-out rows that equal a training row in all features and the label.

    Args:
        equal: Which do.
        by_chance: Which of these are no copies: their columns are so coarse that rows meet in them.
    """

    equal: NDArray[np.bool_]
    by_chance: NDArray[np.bool_]


def hashed(values: NDArray[np.generic], salt: int = 0) -> Hashes:
    """A hash of each value; missing ones are equal.

    Args:
        values: Numbers, days or text.
        salt: Tells columns apart, so that two that swap their values do not cancel.
    """
    from pandas.util import hash_array

    if values.dtype.kind in "OU":
        found = hash_array(values.astype(object), categorize=True)
    elif values.dtype.kind == "M":
        found = hash_array(values.astype("datetime64[D]").astype(np.int64))
    else:
        numbers = values.astype(np.float64) + 0.0  # -0.0 is 0.0
        numbers[np.isnan(numbers)] = np.nan
        found = hash_array(numbers)
    # A sum of the hashes alone would be the same for (a, b) and (b, a).
    mixed = (found.astype(np.uint64) + np.uint64(salt * _ODD & _BITS)) * np.uint64(_ODD ^ 2 * salt)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def label_text(labels: NDArray[np.generic]) -> NDArray[np.object_]:
    """Labels of any task as text."""
    if labels.dtype.kind == "O":
        return np.asarray(["\0".join(map(str, label)) for label in labels], dtype=object)
    return np.asarray(labels.astype(np.str_), dtype=object)


def parts(rows: ChannelRows) -> dict[str, Hashes]:
    """The hash of each feature and of the label, by name."""
    columns: Mapping[str, NDArray[np.generic]] = {
        **rows.columns,
        LABEL: label_text(rows.labels),
    }
    return {name: hashed(values, salt) for salt, (name, values) in enumerate(columns.items(), 1)}


def twins(training: ChannelRows, holdout: ChannelRows) -> Twins:
    """Held-out rows that training rows equal, and whether that says anything.

    A copy agrees in everything. Where rows are equal by chance, others stop short of it in one
    column or another. So a row is no copy if, for half of the columns (the label is one) or more,
    another training row agrees in all but this one.
    """
    learned, held = parts(training), parts(holdout)
    whole, held_whole = _sum(learned), _sum(held)
    equal = np.isin(held_whole, whole)
    short = np.zeros(len(holdout), dtype=np.int64)
    if equal.any() and len(learned) > LABELLED_FEATURE:
        for name in learned:
            there = np.flatnonzero(np.isin(whole - learned[name], (held_whole - held[name])[equal]))
            others = np.unique(np.stack([(whole - learned[name])[there], whole[there]]), axis=1)[0]
            rest, kinds = np.unique(others, return_counts=True)
            short += np.isin(held_whole - held[name], rest[kinds > 1])
    return Twins(equal, equal & (2 * short >= len(learned)) & (len(learned) > LABELLED_FEATURE))


def duplicates(
    training: ChannelRows, holdout: ChannelRows, rule: DuplicatesSpec, words: Sequence[str] = ()
) -> RowFinding:
    """Copies of training rows among the held-out ones.

    Args:
        training: Rows to learn from.
        holdout: Rows that are held out.
        rule: The bound.
        words: The features, where all of them are free text: a short text recurs by itself.
    """
    found = twins(training, holdout)
    chance = found.by_chance.copy()
    if words:
        texts = zip(*(holdout.columns[name] for name in words), strict=True)
        counts = np.asarray([len(" ".join(map(str, row)).split()) for row in texts])
        chance |= found.equal & (counts < FEWEST_WORDS)
    copied = found.equal & ~chance
    count, rows = int(copied.sum()), len(holdout)
    name, bound = "duplicates", f"≤ {percent(rule.at_most)}"
    examples = tuple(map(str, holdout.names[copied][:SHOWN]))
    if count > rule.at_most * rows:
        return RowFinding(
            name,
            broken(rule.severity),
            shares(count, rows),
            bound,
            "held-out rows equal rows that are learned from, in all features and the label",
            "remove the copies in the contract (a rule of uniqueness), or name what they share in "
            "data.split_by",
            examples,
        )
    if found.equal.sum() > rule.at_most * rows:
        why = (
            f"{shares(int(found.equal.sum()), rows)} equal a training row by chance: so few values "
            "does each column have"
        )
        return RowFinding(name, "pass", shares(count, rows), bound, why, examples=examples)
    return RowFinding(name, "pass", shares(count, rows), bound, examples=examples)


def same_key(training: ChannelRows, holdout: ChannelRows, rule: SameKeySpec) -> RowFinding:
    """Held-out rows whose key is on the training side, too."""
    name = "same key"
    if not training.key:
        return unknown(name, "the contract names no key")
    shared = np.isin(holdout.names, training.names)
    count = int(shared.sum())
    value, bound = shares(count, len(holdout)), f"≤ {percent(rule.at_most)}"
    if count <= rule.at_most * len(holdout):
        return RowFinding(name, "pass", value, bound)
    return RowFinding(
        name,
        broken(rule.severity),
        value,
        bound,
        "one thing is learned from and measured on",
        "name the column of the key that recurs in data.split_by, or let the contract refuse a key "
        "that comes twice",
        tuple(map(str, holdout.names[shared][:SHOWN])),
    )


def contradicting(rows: ChannelRows) -> NDArray[np.bool_]:
    """Rows of equal features whose label is not the most frequent one of these."""
    learned = parts(rows)
    labels = learned.pop(LABEL)
    if not learned:
        return np.zeros(len(rows), dtype=bool)
    _, group = np.unique(_sum(learned), return_inverse=True)
    _, label = np.unique(labels, return_inverse=True)
    pairs, counts = np.unique(np.stack([group, label]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    first = np.unique(pairs[0][order], return_index=True)[1]
    usual = np.empty(group.max() + 1, dtype=np.int64)
    usual[pairs[0][order][first]] = pairs[1][order][first]
    return np.asarray(label != usual[group], dtype=bool)


def contradictions(rows: ChannelRows, rule: ContradictionsSpec) -> RowFinding:
    """How many labels contradict those of equal rows: so many at least no model gets right."""
    wrong = contradicting(rows)
    count = int(wrong.sum())
    name, value, bound = "contradictions", shares(count, len(rows)), f"≤ {percent(rule.at_most)}"
    examples = tuple(map(str, rows.names[wrong][:SHOWN]))
    if count <= rule.at_most * len(rows):
        return RowFinding(name, "pass", value, bound, examples=examples)
    return RowFinding(
        name,
        broken(rule.severity),
        value,
        bound,
        "rows of equal features have another label than most of them: no model gets these right",
        "correct the labels of the rows that are named, or add a column that tells them apart",
        examples,
    )


def _sum(hashes: Mapping[str, Hashes]) -> Hashes:
    total = np.zeros(len(next(iter(hashes.values()))), dtype=np.uint64)
    for part in hashes.values():
        total += part
    return total

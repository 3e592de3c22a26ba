"""Natural variation: is this week further from the reference weeks than they are from each other?

Each column is described by a few scalars a week (features). Features of a family wobble alike; what
the reference weeks tell of a family, and how far later weeks may therefore lie, is ``series``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tasks.drift.comparison.features import Frame, frame_of
from tasks.drift.comparison.series import SeriesFamily, family_of
from tasks.drift.comparison.twosample import Tested
from tasks.drift.profiles.cells import Floats
from tasks.drift.profiles.profile import Profile, merged

_DISTANCES = {"distance of cells": "location", "distance of shares": "category"}
"""Families of (log) distances, and the family whose weeks make most of them."""


@dataclass(frozen=True)
class FeaturePlace:
    """Which features a family holds: their columns, and which one they are of it; (features,)."""

    columns: NDArray[np.str_]
    indices: NDArray[np.int_]


@dataclass(frozen=True)
class Learned:
    """Week-to-week behaviour of every feature of every column.

    Attributes:
        frames: Column → how its features are computed.
        families: Name of a family → what its reference weeks tell.
        places: Name of a family → which features it holds.
        weeks: Reference weeks.
    """

    frames: Mapping[str, Frame]
    families: Mapping[str, SeriesFamily]
    places: Mapping[str, FeaturePlace]
    weeks: int


def learn(reference: Sequence[Profile]) -> Learned:
    """Learn natural variation from reference weeks in order of time, at least 2."""
    whole = merged(reference)
    frames = {
        name: frame_of([week.columns[name] for week in reference], whole.columns[name])
        for name in whole.columns
    }
    features = [feature for frame in frames.values() for feature in frame.features]
    label = np.asarray([feature.family for feature in features])
    column = np.asarray([name for name, frame in frames.items() for _ in frame.features])
    index = np.concatenate([np.arange(len(frame.features)) for frame in frames.values()])
    series = np.concatenate([frame.values.T for frame in frames.values()])
    noise = np.concatenate([frame.sampling.mean(axis=0) for frame in frames.values()])
    unit = np.asarray([feature.unit for feature in features])
    families, places = {}, {}
    for family in dict.fromkeys(label.tolist()):
        at = np.flatnonzero(label == family)
        families[family] = family_of(series[at], noise[at], unit[at], column[at])
        places[family] = FeaturePlace(column[at], index[at])
    return Learned(frames, families, places, len(reference))


@dataclass(frozen=True)
class MeasuredWeeks:
    """Sums over some weeks: features and their sampling variances, shape (features,) each."""

    values: Floats
    sampling: Floats
    weeks: int

    def with_one_more(self, other: MeasuredWeeks) -> MeasuredWeeks:
        """The sums of both."""
        return MeasuredWeeks(
            self.values + other.values, self.sampling + other.sampling, self.weeks + other.weeks
        )


def measured(learned: Learned, name: str, week: Profile) -> MeasuredWeeks:
    """One week of one column."""
    values, sampling = learned.frames[name].measure(week.columns[name])
    return MeasuredWeeks(values, sampling, 1)


def natural_tests(learned: Learned, current: Sequence[Profile]) -> dict[str, list[Tested]]:
    """Prediction tests of all columns: the mean of current weeks against the reference weeks."""
    return prediction_tests(
        learned,
        {
            name: reduce(
                MeasuredWeeks.with_one_more, (measured(learned, name, week) for week in current)
            )
            for name in learned.frames
        },
    )


def prediction_tests(
    learned: Learned, current: Mapping[str, MeasuredWeeks]
) -> dict[str, list[Tested]]:
    """The same of some columns, from what was measured of as many weeks of each."""
    chances = {name: np.ones((2, len(learned.frames[name].features))) for name in current}
    names = np.asarray(list(current))
    count = next(iter(current.values())).weeks
    for key, family in learned.families.items():
        place = learned.places[key]
        at = np.flatnonzero(np.isin(place.columns, names))
        if not len(at):
            continue
        pairs = list(zip(place.columns[at].tolist(), place.indices[at].tolist(), strict=True))
        mean = np.asarray([current[name].values[index] / count for name, index in pairs])
        noise = np.asarray([current[name].sampling[index] / count**2 for name, index in pairs])
        # Weeks that follow one another hide how far later ones will be. Where no reference week
        # has a category there is no such family.
        if (base := learned.families.get(_DISTANCES.get(key, ""))) is not None:
            mean -= np.log(base.hidden)
        upper, both = family.p_values(mean, noise, count, at)
        for (name, index), one, two in zip(pairs, upper, both, strict=True):
            chances[name][:, index] = one, two
    return {name: _tests(learned, name, current[name], chances[name]) for name in current}


def _tests(learned: Learned, name: str, current: MeasuredWeeks, chances: Floats) -> list[Tested]:
    frame = learned.frames[name]
    moved = current.values / current.weeks - frame.values.mean(axis=0)
    tests: dict[str, Tested] = {}
    for index, feature in enumerate(frame.features):
        p = float(chances[0 if feature.one_sided else 1, index])
        p = min(1.0, p / max(feature.weight, 1e-12))
        if feature.name not in tests or p < tests[feature.name].p:
            tests[feature.name] = Tested(feature.name, p, float(moved[index]), feature.where)
    return list(tests.values())

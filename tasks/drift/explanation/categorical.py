"""The smallest story that turns the reference's categories (or words) into the current ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import gcd, log

import numpy as np
from scipy.special import chdtri

from tasks.drift.comparison.categorical import Aligned, aligned
from tasks.drift.comparison.twosample import Tested, two_proportions
from tasks.drift.explanation.renaming import renamings
from tasks.drift.explanation.story import Explained, Meaning
from tasks.drift.profiles.cells import Floats, Ints
from tasks.drift.profiles.counts import CategoryCounts

_NOISE, _WOBBLE, _LEFT_OVER, _FEW = 1e-4, 0.003, 0.05, 5.0
_MOST, _COPIED = 12, 30
"""Values that are looked at one by one, strongest first; categories whose counts show copies."""


@dataclass(frozen=True)
class Telling:
    """One explanation: the shares that it expects, shape (values,), and how it is told."""

    meaning: Meaning
    sentence: str
    expected: Floats
    parameters: int
    values: tuple[str, ...]


def explain_categorical(
    name: str, reference: CategoryCounts, current: CategoryCounts, test: Tested
) -> Explained:
    """What happened to a categorical column, or to the words of a text column."""
    was = reference.nulls / max(reference.rows, 1)
    now = current.nulls / max(current.rows, 1)
    p = two_proportions(reference.nulls, reference.rows, current.nulls, current.rows)
    gone = f"{now:.1%} of the values are missing (before: {was:.1%})."
    told = None
    if min(reference.rows - reference.nulls, current.rows - current.nulls) > 0:
        told = (
            _words(name, reference, current, test)
            if current.words
            else _values(name, reference, current, test)
        )
    if told is None or test.name == "missing":
        more = f" Besides: {told.sentence}" if told and told.meaning != "unclear" else ""
        return Explained("nulls", gone + more, f"{name} IS NULL", (now, was))
    if p < 1e-6 and abs(now - was) > 0.001:
        return Explained(told.meaning, f"{told.sentence} Besides: {gone}", told.rows, told.share)
    return told


def _words(
    name: str, reference: CategoryCounts, current: CategoryCounts, test: Tested
) -> Explained | None:
    pair = _named(reference, current)
    where = test.where
    if where not in pair.names:  # sketched, or a test over many: the one that moved most
        where = _strongest(pair)[0]
    at = pair.names.index(where)
    was, now = pair.reference[at] / pair.rows[0], pair.current[at] / pair.rows[1]
    if test.name == "missing" and abs(now - was) < 0.01:
        return None
    column, value = name.rsplit(".", 1)[0], where.replace("'", "''")
    sentence = f"The word {where!r} stands in {now:.1%} of the texts (before: {was:.1%})."
    return Explained("words", sentence, f"{column} contains '{value}'", (float(now), float(was)))


def _values(
    name: str, reference: CategoryCounts, current: CategoryCounts, test: Tested
) -> Explained | None:
    pair = _named(reference, current)
    if pair.sketched and test.name == "new values":
        return _others(name, pair, test)
    if not len(pair.names):
        return _unnamed(name, reference, current)
    before, after = pair.reference / pair.rows[0], pair.current / pair.rows[1]
    counts = pair.current[pair.current > 0].tolist()
    if len(counts) >= _COPIED and gcd(*counts) > 1 and not pair.sketched:
        times = gcd(*counts)
        if gcd(*pair.reference[pair.reference > 0].tolist()) == 1:
            sentence = f"Every row stands there {times} times: the data were probably read again."
            return Explained("duplicates", sentence, f"{name} IS NOT NULL", (1.0, 1.0))
    chi, df, change = _fit(pair, before, 0)
    if chi <= float(chdtri(df, _NOISE)) and test.name in {"missing", ""}:
        return None
    price, best, chosen = log(max(min(pair.rows), 8)), np.inf, None
    for telling in _tellings(pair, before, after):
        chi, df, left = _fit(pair, telling.expected, telling.parameters)
        holds = chi <= float(chdtri(df, _NOISE)) or left <= min(_WOBBLE, _LEFT_OVER * change)
        score = chi + price * telling.parameters
        if holds and score < best:
            best, chosen = score, telling
    if chosen is None:
        chosen = _several(pair, before, after)
    rows = [pair.names.index(value) for value in chosen.values]
    share = (float(after[rows].sum()), float(before[rows].sum()))
    return Explained(chosen.meaning, chosen.sentence, _condition(name, chosen.values), share)


def _fit(pair: Aligned, expected: Floats, parameters: int) -> tuple[float, int, float]:
    """Pearson's statistic of the current counts, its degrees, and what is left per row."""
    n, m = max(pair.rows[0], 1), max(pair.rows[1], 1)
    seen = pair.current / m
    pooled = (n * expected + m * seen) / (n + m)
    few = pooled * min(n, m) < _FEW
    if few.any():  # the rare ones together
        expected = np.append(expected[~few], expected[few].sum())
        seen = np.append(seen[~few], seen[few].sum())
        pooled = np.append(pooled[~few], pooled[few].sum())
    at = pooled > 0
    scale = 1 / m + 1 / n
    chi = float((((seen - expected)[at] ** 2) / (pooled[at] * scale)).sum())
    df = max(int(at.sum()) - 1 - parameters, 1)
    return chi, df, max(chi - df, 0.0) * scale


def _tellings(pair: Aligned, before: Floats, after: Floats) -> Iterator[Telling]:
    fresh = np.flatnonzero((pair.reference == 0) & (pair.current > 0))
    lost = np.flatnonzero((pair.current == 0) & (pair.reference > 0))
    yield from _renamed(pair, before)
    yield from _moved_names(pair, before, after, fresh, lost)
    if len(fresh):
        share, names = float(after[fresh].sum()), _listed(pair, fresh, after)
        expected = before * (1 - share)
        expected[fresh] = after[fresh]
        word = "is" if len(fresh) == 1 else "are"
        sentence = f"{_quoted(names)} {word} new: {share:.1%} of the rows hold "
        sentence += "it." if len(fresh) == 1 else f"such values ({len(fresh)} of them)."
        yield Telling("new category", sentence, expected, len(fresh), names)
    if len(lost):
        share, names = float(before[lost].sum()), _listed(pair, lost, before)
        expected = before / max(1 - share, 1e-12)
        expected[lost] = 0
        word = "is" if len(lost) == 1 else "are"
        sentence = f"{_quoted(names)} {word} gone: {share:.1%} of the rows held "
        sentence += "it before." if len(lost) == 1 else f"such values before ({len(lost)} of them)."
        yield Telling("lost category", sentence, expected, len(lost), names)
    for at in _by_strength(pair)[:_MOST]:
        if before[at] in {0, 1} or not after[at]:
            continue
        expected = before * (1 - after[at]) / (1 - before[at])
        expected[at] = after[at]
        name = pair.names[at]
        sentence = f"{name!r} moved from {before[at]:.1%} to {after[at]:.1%} of the rows."
        yield Telling("category share", sentence, expected, 1, (name,))


def _renamed(pair: Aligned, before: Floats) -> Iterator[Telling]:
    """The same values, written differently."""
    place = {name: at for at, name in enumerate(pair.names)}
    held = [name for name, count in zip(pair.names, pair.reference, strict=True) if count]
    for told, changed in renamings(held):
        targets = {old: new for old, new in changed.items() if new in place}
        if not targets or not any(not pair.reference[place[new]] for new in targets.values()):
            continue
        expected = before.copy()
        for old in targets:
            expected[place[old]] -= before[place[old]]
        for old, new in targets.items():
            expected[place[new]] += before[place[old]]
        written = tuple(dict.fromkeys(targets.values()))[:3]
        first = next(iter(targets))
        sentence = f"Names are now written {told}: {first!r} is {targets[first]!r}."
        yield Telling("encoding", sentence, expected, 0, written)


def _moved_names(
    pair: Aligned, before: Floats, after: Floats, fresh: Ints, lost: Ints
) -> Iterator[Telling]:
    """One value's rows hold another one now."""
    for old in lost[np.argsort(-before[lost])][:_MOST]:
        for new in _by_strength(pair)[:_MOST]:
            if new == old or after[new] <= before[new]:
                continue
            expected = before.copy()
            expected[new] += expected[old]
            expected[old] = 0
            a, b = pair.names[old], pair.names[new]
            if new in fresh:
                sentence = f"{b!r} is new and {a!r} is gone: {after[new]:.1%} and "
                sentence += f"{before[old]:.1%} of the rows, so one is probably the other's name."
                yield Telling("new category", sentence, expected, 1, (b,))
            else:
                sentence = f"{a!r} is gone, and its {before[old]:.1%} of the rows hold {b!r} now."
                yield Telling("lost category", sentence, expected, 1, (a,))
    for old in _by_strength(pair)[:3]:
        for new in _by_strength(pair)[:3]:
            share = (after[new] - before[new] + before[old] - after[old]) / 2
            if new == old or share <= 0 or not before[new] or not after[old]:
                continue
            expected = before.copy()
            expected[old] -= min(share, before[old])
            expected[new] += min(share, before[old])
            sentence = (
                f"{pair.names[new]!r} moved from {before[new]:.1%} to {after[new]:.1%} of the "
                f"rows, at the cost of {pair.names[old]!r}."
            )
            yield Telling("category share", sentence, expected, 1, (pair.names[new],))


def _several(pair: Aligned, before: Floats, after: Floats) -> Telling:
    """Many shares moved: new and lost values first, for these are faults."""
    strong = _by_strength(pair)[:3]
    names = tuple(pair.names[at] for at in strong)
    parts = [
        f"{pair.names[at]!r} {'is new at' if not before[at] else f'went from {before[at]:.1%} to'} "
        f"{after[at]:.1%}"
        for at in strong
    ]
    fresh = np.flatnonzero((pair.reference == 0) & (pair.current > 0))
    lost = np.flatnonzero((pair.current == 0) & (pair.reference > 0))
    meaning: Meaning = "category share"
    told = f"The shares of several values moved: {', '.join(parts)}."
    for meant, group, share, what in (
        ("new category", fresh, after, "new"),
        ("lost category", lost, before, "gone"),
    ):
        sum_ = float(share[group].sum())
        z = sum_ * np.sqrt(min(pair.rows))
        if len(group) and z > 0.5 and sum_ * min(pair.rows) > _FEW:
            listed = _listed(pair, group, share)
            told += f" {_quoted(listed)} {'is' if len(group) == 1 else 'are'} {what} ({sum_:.1%})."
            if meaning == "category share" and sum_ > 0.3 * _distance(before, after):
                meaning, names = meant, listed  # type: ignore[assignment]
    return Telling(meaning, told, after, len(pair.names), names)


def _distance(before: Floats, after: Floats) -> float:
    return 0.5 * float(np.abs(after - before).sum())


def _by_strength(pair: Aligned) -> Ints:
    """Places of the values, the strongest evidence first."""
    n, m = max(pair.rows[0], 1), max(pair.rows[1], 1)
    rate = (pair.reference + pair.current) / (n + m)
    error = np.sqrt(np.maximum(rate * (1 - rate), 1 / (n + m) ** 2) * (1 / n + 1 / m))
    return np.argsort(-np.abs(pair.current / m - pair.reference / n) / error, kind="stable")


def _strongest(pair: Aligned) -> tuple[str, ...]:
    return tuple(pair.names[at] for at in _by_strength(pair)[:1])


def _listed(pair: Aligned, places: Ints, share: Floats) -> tuple[str, ...]:
    ordered = sorted(places.tolist(), key=lambda at: (-share[at], pair.names[at]))
    return tuple(pair.names[at] for at in ordered[:3])


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(repr(name) for name in names)


def _condition(name: str, values: tuple[str, ...]) -> str:
    quoted = ["'" + value.replace("'", "''") + "'" for value in values]
    return f"{name} = {quoted[0]}" if len(quoted) == 1 else f"{name} IN ({', '.join(quoted)})"


def _named(reference: CategoryCounts, current: CategoryCounts) -> Aligned:
    """Counts by name; of sketched columns only those of frequent values, as far as they are known.

    A value whose count is only known within the sketch's error is left out.
    """
    if reference.values is not None and current.values is not None:
        return aligned(reference, current)
    sides: list[Mapping[str, int]] = []
    errors = []
    for side in (reference, current):
        sketch = side.as_sketch()
        sides.append(side.values if side.values is not None else sketch.frequent)
        errors.append(0 if side.values is not None else sketch.error)
    unsure = max(errors)
    names = sorted(
        name
        for name in sides[0].keys() | sides[1].keys()
        if max(sides[0].get(name, 0), sides[1].get(name, 0)) > 4 * unsure + _FEW
    )
    rows = (reference.rows - reference.nulls, current.rows - current.nulls)
    counts = [np.asarray([side.get(name, 0) for name in names], np.int64) for side in sides]
    rest = [np.asarray([total - int(side.sum())]) for total, side in zip(rows, counts, strict=True)]
    if not names:
        return Aligned((), counts[0], counts[1], rows, sketched=True)
    both = [np.concatenate(item) for item in zip(counts, rest, strict=True)]
    return Aligned((*names, REST), both[0], both[1], rows, sketched=True)


REST = "all others"


def _others(name: str, pair: Aligned, test: Tested) -> Explained:
    """Values of a column of very many do not come again as they did."""
    fresh = np.flatnonzero((pair.reference == 0) & (pair.current > 0))
    named = _listed(pair, fresh, pair.current.astype(np.float64))
    share = abs(test.difference)
    if not named:
        sentence = f"About {share:.1%} of the rows hold values that were never seen before."
        return Explained(
            "new category", sentence, f"{name} is none of the values before", (share, 0.0)
        )
    sentence = (
        f"About {share:.1%} of the rows hold values that were never seen before, such as "
        f"{_quoted(named)}."
    )
    rows = [pair.names.index(value) for value in named]
    held = float(pair.current[rows].sum()) / max(pair.rows[1], 1)
    return Explained("new category", sentence, _condition(name, named), (held, 0.0))


def _unnamed(name: str, reference: CategoryCounts, current: CategoryCounts) -> Explained:
    was, now = reference.as_sketch().distinct, current.as_sketch().distinct
    sentence = (
        f"Other values than before, of which none is frequent: about {now:,.0f} different ones "
        f"(before: {was:,.0f})."
    )
    return Explained("unclear", sentence, f"{name} IS NOT NULL", (1.0, 1.0))

"""The check: baseline against current, on profiles alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.drift.comparison.beginning import beginning
from tasks.drift.comparison.categorical import (
    aligned,
    categorical_tests,
    one_category,
    recurring,
)
from tasks.drift.comparison.decision import ColumnEvidence, holm, strongest
from tasks.drift.comparison.effects import jensen_shannon, psi, wasserstein
from tasks.drift.comparison.gathering import gathered
from tasks.drift.comparison.knowledge import known, nothing_to_compare
from tasks.drift.comparison.natural import Learned, learn, natural_tests
from tasks.drift.comparison.reference import in_season
from tasks.drift.comparison.relevance import cells_of, gated, relevant
from tasks.drift.comparison.twosample import (
    Tested,
    numeric_tests,
    share_tests,
    two_proportions,
)
from tasks.drift.policy import (
    CATEGORICAL_BUDGET,
    NATURAL_CATEGORICAL_BUDGET,
    NATURAL_NUMERIC_BUDGET,
    NUMERIC_BUDGET,
    WORD_BUDGET,
    DriftPolicy,
)
from tasks.drift.profiles.counts import CategoryCounts, Counts, NumericCounts
from tasks.drift.profiles.profile import Profile, merged
from tasks.drift.reports.pictures import picture
from tasks.drift.reports.report import ColumnDrift, DriftReport, Effects

_LEARNED_BUDGET = {
    "numeric": NATURAL_NUMERIC_BUDGET,
    "categorical": NATURAL_CATEGORICAL_BUDGET,
    "words": WORD_BUDGET,
}
_SAMPLING_BUDGET = {
    "numeric": NUMERIC_BUDGET,
    "categorical": CATEGORICAL_BUDGET,
    "words": WORD_BUDGET,
}


def compare(
    baseline: Profile | Sequence[Profile],
    current: Profile | Sequence[Profile],
    policy: DriftPolicy | None = None,
) -> DriftReport:
    """Compare current partitions with the baseline.

    Args:
        baseline: One profile, or one per partition in order of time. From two on, week-to-week
            variation is learned from them; of one, only sampling noise is accounted for, small
            effects are gated, and the report says so.
        current: The newest partition, or a run of partitions in order of time that ends with it:
            the check then also looks at the last few together, and tells since when.
        policy: What is promised; the default promises one false alarm per 104 checks.

    Raises:
        ProfileIncompatible: the profiles were not made on one grid, or overlap.
        ConfigurationError: the policy asks for a season and partitions are not named by days.
    """
    policy = policy or DriftPolicy()
    reference = (baseline,) if isinstance(baseline, Profile) else tuple(baseline)
    run = (current,) if isinstance(current, Profile) else tuple(current)
    run = tuple(part for part in run if part.rows)
    stored = tuple(part for part in reference if part.rows)
    reference, run = in_season(stored, run, policy.season)
    if not reference or not run or sum(part.rows for part in run) < policy.least_rows:
        return _inconclusive(reference, run, policy, stored)
    reference = gathered(reference, policy.least_rows)
    run = gathered(run, policy.least_rows)
    whole, newest = merged(reference), run[-1]
    if whole.grid != newest.grid:
        whole.merge(newest)  # says what does not fit
    learned = learn(reference) if len(reference) >= policy.natural_from else None
    shares = _window_shares(policy, len(run))
    windows = {size: merged(run[-size:]) for size in shares}
    natural = {} if learned is None else {n: natural_tests(learned, run[-n:]) for n in shares}
    evidence: dict[str, ColumnEvidence] = {}
    ungated: dict[str, ColumnEvidence] = {}
    for name, counts in whole.columns.items():
        by_window, every = {}, {}
        for size, window in windows.items():
            if learned is not None:
                tests = natural[size][name]
            else:
                tests = gated(sampling_tests(counts, window.columns[name]), policy.gates)
            by_window[size] = relevant(tests, counts, window.columns[name], policy.least_psi)
            every[size] = tests
        evidence[name] = strongest(by_window, shares, _budget(counts, learned))
        ungated[name] = strongest(every, shares, _budget(counts, learned))
    judged = {name: item.p for name, item in evidence.items() if not _ignored(name, policy)}
    rejected, adjusted = holm(judged, policy.alpha)
    columns = []
    for name, item in evidence.items():
        shown = item
        if name not in rejected and ungated[name].p < item.p:  # it moved, by less than matters
            shown = ungated[name]
        drifted, window = name in rejected, windows[shown.window]
        p = adjusted.get(name, item.p) if shown is item else min(1.0, shown.p * len(evidence))
        column = _column(name, shown, whole, window, run, learned, drifted=drifted, adjusted=p)
        if shown is not item and p <= policy.alpha and name in judged:
            column = column.model_copy(update={"set_aside": f"leastPsi {policy.least_psi:g}"})
        columns.append(column)
    columns.sort(key=lambda column: (not column.drifted, column.p, column.name))
    return DriftReport(
        outcome="fail" if rejected else "pass",
        reason=_reason(columns),
        promise=policy.promise,
        alpha=policy.alpha,
        variation="sampling only" if learned is None else "learned",
        known=known(learned, reference, policy),
        reference_partitions=whole.partitions,
        reference_rows=whole.rows,
        current_partitions=tuple(name for part in run for name in part.partitions),
        current_rows=sum(part.rows for part in run),
        columns=tuple(columns),
        next_step=policy.next_step if rejected else "",
    )


def sampling_tests(reference: Counts, current: Counts) -> list[Tested]:
    """All two-sample tests of one column."""
    missing = Tested(
        "missing",
        two_proportions(reference.missing, reference.rows, current.missing, current.rows),
        current.missing / max(current.rows, 1) - reference.missing / max(reference.rows, 1),
    )
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        return [
            missing,
            *one_value(reference, current),
            *numeric_tests(reference.cells, current.cells),
        ]
    if isinstance(reference, CategoryCounts) and isinstance(current, CategoryCounts):
        pair = aligned(reference, current)
        again = recurring(reference, current) if pair.sketched and not reference.words else []
        return [missing, *categorical_tests(pair, words=reference.words), *again]
    return [missing]


def one_value(reference: NumericCounts, current: NumericCounts) -> list[Tested]:
    """The share of each value where there are few, else of the baseline's middle value itself.

    It sees what no cell shows: a value that moves by less than a cell, or begins to spread.
    """
    n, m = int(reference.cells.sum()), int(current.cells.sum())
    if reference.values and current.values:
        names = sorted(reference.values.keys() | current.values.keys())
        was, now = (
            np.fromiter((side.get(value, 0) for value in names), np.int64, len(names))
            for side in (reference.values, current.values)
        )
        p, best = one_category(share_tests(was, now, n, m), was + now, n + m, apart=False)
        return [Tested("one value", p, float(now[best] / m - was[best] / n), str(names[best]))]
    if reference.at_centre is None or current.at_centre is None:
        return []
    p = two_proportions(reference.at_centre, n, current.at_centre, m)
    moved = current.at_centre / max(m, 1) - reference.at_centre / max(n, 1)
    return [Tested("one value", p, moved)] if n and m else []


def _budget(counts: Counts, learned: Learned | None) -> Mapping[str, float]:
    kind = "numeric"
    if isinstance(counts, CategoryCounts):
        kind = "words" if counts.words else "categorical"
    return (_SAMPLING_BUDGET if learned is None else _LEARNED_BUDGET)[kind]


def _ignored(name: str, policy: DriftPolicy) -> bool:
    return name in policy.ignore or name.rsplit(".", 1)[0] in policy.ignore


def _window_shares(policy: DriftPolicy, available: int) -> dict[int, float]:
    """Error budget of each window that the run is long enough for."""
    pairs = zip(policy.windows, policy.window_weights, strict=True)
    usable = {size: weight for size, weight in pairs if size <= available}
    total = sum(usable.values())
    return {size: weight / total for size, weight in usable.items()}


def _column(
    name: str,
    evidence: ColumnEvidence,
    whole: Profile,
    window: Profile,
    run: Sequence[Profile],
    learned: Learned | None,
    *,
    drifted: bool,
    adjusted: float,
) -> ColumnDrift:
    reference, current, test = whole.columns[name], window.columns[name], evidence.test
    column = ColumnDrift(
        name=name,
        drifted=drifted,
        test=test.name,
        difference=test.difference,
        p=evidence.p,
        adjusted=adjusted,
        window=evidence.window,
        effects=_effects(reference, current),
        shares=_shares(reference, current),
    )
    if not drifted:
        return column
    # They fit laws by scipy.optimize, which no flow should import before something drifted.
    from tasks.drift.explanation.categorical import explain_categorical
    from tasks.drift.explanation.numeric import explain_numeric

    # What is told is told of the rows since it began: a window may hold older rows too.
    since, current = beginning(name, test.name, reference, run, learned, sampling_tests)
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        derived = name not in whole.grid.kinds
        explained = explain_numeric(name, reference, current, test, derived=derived)
    elif isinstance(reference, CategoryCounts) and isinstance(current, CategoryCounts):
        explained = explain_categorical(name, reference, current, test)
    else:
        return column
    return column.model_copy(
        update={
            "meaning": explained.meaning,
            "sentence": explained.sentence,
            "rows": explained.rows,
            "current_share": explained.share[0],
            "reference_share": explained.share[1],
            "since": next(iter(run[since].partitions), ""),
            "picture": picture(reference, current),
        }
    )


def _effects(reference: Counts, current: Counts) -> Effects:
    cells = cells_of(reference, current)
    if cells is None:
        return Effects(psi=0, jensen_shannon=0)
    distance = None
    if isinstance(reference, NumericCounts) and isinstance(current, NumericCounts):
        distance = wasserstein(reference.cells, current.cells)
    a, b = np.append(cells[0], reference.missing), np.append(cells[1], current.missing)
    return Effects(psi=psi(a, b), jensen_shannon=jensen_shannon(a, b), wasserstein=distance)


def _shares(reference: Counts, current: Counts) -> tuple[tuple[float, float], ...]:
    cells = cells_of(reference, current)
    if cells is None:
        return ()
    a, b = (side / max(float(side.sum()), 1) for side in cells)
    order = np.arange(len(a))
    if isinstance(reference, CategoryCounts):
        order = np.argsort(-(a + b), kind="stable")[:16]
    pairs = zip(a[order].tolist(), b[order].tolist(), strict=True)
    return tuple((round(x, 6), round(y, 6)) for x, y in pairs)


def _reason(columns: Sequence[ColumnDrift]) -> str:
    alarmed = [column for column in columns if column.drifted]
    if not alarmed:
        return f"None of {len(columns)} columns differs by more than chance allows."
    sentences = "; ".join(f"{column.name}: {column.sentence.rstrip('.')}" for column in alarmed[:3])
    more = f" and {len(alarmed) - 3} more" if len(alarmed) > 3 else ""
    return f"{len(alarmed)} of {len(columns)} columns drifted. {sentences}{more}."


def _inconclusive(
    reference: Sequence[Profile],
    run: Sequence[Profile],
    policy: DriftPolicy,
    stored: Sequence[Profile],
) -> DriftReport:
    rows = sum(part.rows for part in run)
    what = (
        f"{rows:,} rows have come in {len(run)} partitions, and {policy.least_rows:,} are needed "
        "(leastRows)"
        if reference
        else nothing_to_compare(stored, policy)
    )
    return DriftReport(
        outcome="inconclusive",
        reason=f"Cannot tell whether the data drifted: {what}.",
        promise=policy.promise,
        alpha=policy.alpha,
        variation="sampling only",
        reference_partitions=tuple(name for part in reference for name in part.partitions),
        reference_rows=sum(part.rows for part in reference),
        current_partitions=tuple(name for part in run for name in part.partitions),
        current_rows=sum(part.rows for part in run),
        columns=(),
    )

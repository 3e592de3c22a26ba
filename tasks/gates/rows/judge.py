"""Every check of the rows, in their order, and the verdict of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.errors import GateRejected
from tasks.gates.rows import chances, classes, label_noise, leaks, order, twins
from tasks.gates.rows.finding import RowFinding, unknown
from tasks.gates.rows.sides import ChannelRows, RowFeature, sample
from tasks.gates.rows.targets import RowTarget, target_of
from tasks.metrics import task_class
from tasks.model_spec import ModelSpec
from tasks.values import Verdict

MOST_TOGETHER = 100_000
"""Rows of both sides of which a copy is made; more may not fit beside themselves."""
FEWEST = 5
"""Rows of a class that can be dealt into the folds of a cross-validation."""


def findings(
    spec: ModelSpec,
    training: ChannelRows,
    holdout: ChannelRows,
    features: Sequence[RowFeature],
    private: frozenset[str] = frozenset(),
) -> tuple[RowFinding, ...]:
    """Everything that model.yaml does not switch off.

    Args:
        spec: The model.
        training: Labelled rows to learn from.
        holdout: Labelled rows that are held out.
        features: Columns that the model learns from; of photos none.
        private: Columns whose values no page may show.
    """
    gathers = spec.composition.input_class.gathers
    found = tuple(_findings(spec, training, holdout, features, gathers=gathers))
    if private & set(training.key):
        found = tuple(replace(finding, examples=()) for finding in found)
    return tuple(map(_untold, found)) if spec.data.label in private else found


def verdict_of(model: str, found: Sequence[RowFinding]) -> Verdict:
    """The worst of what was found; warnings go on."""
    if not found:
        return Verdict(
            subject=f"{model} rows", outcome="pass", reason="model.yaml switches every check off."
        )
    return Verdict.of(f"{model} rows", tuple(finding.check() for finding in found))


def require_sound_rows(model: str, verdict: Verdict) -> None:
    """Only rows that pass are learned from.

    Raises:
        GateRejected: they do not keep a bound of data_gates.
    """
    if verdict.outcome == "pass":
        return
    raise GateRejected(
        f"The rows of {model} are not learned from: {verdict.reason.removesuffix('.')}.",
        f"Nothing was paid for. The page of the rows names them; models/{model}/model.yaml says "
        "in data_gates what they are held to. Correct the one or the other and run again; the "
        "champion goes on serving.",
    )


def _findings(
    spec: ModelSpec,
    training: ChannelRows,
    holdout: ChannelRows,
    features: Sequence[RowFeature],
    *,
    gathers: bool,
) -> Iterator[RowFinding]:
    gates, task = spec.data_gates, task_class(spec.family.task)
    learned, held = (target_of(task, rows.labels, spec.data.label) for rows in (training, holdout))
    allowed = {one.column: one.reason for one in gates.allow}
    both = _together(training, holdout)
    target = target_of(task, both.labels, spec.data.label)
    if gates.leaking_column.severity != "off":
        yield from leaks.leaking(both, features, target, gates.leaking_column, allowed)
    if gates.identifiers != "off":
        yield from leaks.identifying(both, features, gates.identifiers, allowed)
    if gates.duplicates.severity != "off":
        yield _copies(spec, training, holdout, features, gathers=gathers)
    if gates.same_key.severity != "off":
        yield twins.same_key(training, holdout, gates.same_key)
    if spec.data.holdout_days and gates.time_order != "off":
        yield order.in_order(training, holdout, gates.time_order)
    if spec.data.holdout_days and gates.future_dates != "off":
        yield from order.dates_ahead(training, holdout, features, gates.future_dates)
    if gates.labels != "off":
        yield classes.learnable(learned, held, gates.labels)
    if gates.class_rows.severity != "off":
        yield classes.enough(learned, held, gates.class_rows)
    if gates.contradictions.severity != "off":
        yield _contradicting(spec, both, target, gathers=gathers)
    if gates.label_noise.severity != "off":
        yield _noise(spec, both, features, target)


def _together(training: ChannelRows, holdout: ChannelRows) -> ChannelRows:
    """All rows, or of very many a sample: the same share of each side."""
    share = min(1.0, MOST_TOGETHER / (len(training) + len(holdout)))
    one, other = (
        side if share == 1 else side.take(sample(len(side), max(1, int(share * len(side)))))
        for side in (training, holdout)
    )
    return one.together(other)


def _copies(
    spec: ModelSpec,
    training: ChannelRows,
    holdout: ChannelRows,
    features: Sequence[RowFeature],
    *,
    gathers: bool,
) -> RowFinding:
    if gathers:
        return unknown("duplicates", f"a row of {spec.family.input} is made of several")
    texts = [feature.name for feature in features if feature.kind == "text"]
    words = texts if len(texts) == len(features) else []
    return twins.duplicates(training, holdout, spec.data_gates.duplicates, words)


def _contradicting(
    spec: ModelSpec, both: ChannelRows, target: RowTarget, *, gathers: bool
) -> RowFinding:
    if gathers or target.kind == "none":
        return unknown("contradictions", f"a row of {spec.family.input} is made of several")
    if target.kind == "number":
        return unknown("contradictions", "two equal things may well differ in a number")
    if target.kind == "yes or no":
        return unknown("contradictions", "a chance is predicted: equal rows may end either way")
    return twins.contradictions(both, spec.data_gates.contradictions)


def _noise(
    spec: ModelSpec, both: ChannelRows, features: Sequence[RowFeature], target: RowTarget
) -> RowFinding:
    name = label_noise.LABEL_NOISE
    if target.kind != "classes":
        reasons = {
            "number": "nothing tells a wrong number from an unusual one",
            "yes or no": "a chance is predicted: a rare yes is no wrong label",
            "labels": "rows have many labels each",
        }
        return unknown(name, reasons.get(target.kind, "the task has no label of a row"))
    # Classes too rare to be dealt into folds are left out, and told as class rows.
    at = _of_usual_classes(target, np.arange(len(target)))
    classes_there = len(np.unique(target.values[at]))
    if not 2 <= classes_there <= chances.MOST_CLASSES:  # noqa: PLR2004  one class is no choice
        return unknown(
            name,
            f"{classes_there} classes have {FEWEST} rows or more; from 2 to "
            f"{chances.MOST_CLASSES} are estimated",
        )
    at = at[sample(len(at), chances.most_rows(both, classes_there))]
    at = _of_usual_classes(target, at)
    kept, labels = np.unique(target.values[at], return_inverse=True)
    if len(kept) < 2:  # noqa: PLR2004
        return unknown(name, "all classes but one are too rare in a sample of the rows")
    some = both.take(at)
    estimate = label_noise.estimated(chances.of_rows(some, features, labels), labels)
    names = tuple(target.names[one] for one in kept)
    return label_noise.noise(estimate, some.names, names, spec.data_gates.label_noise)


def _of_usual_classes(target: RowTarget, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """The chosen rows whose class has enough of them."""
    counts = np.bincount(target.values[at])
    return np.asarray(at[counts[target.values[at]] >= FEWEST], dtype=np.intp)


def _untold(finding: RowFinding) -> RowFinding:
    """Without the names of classes: the contract calls the label private."""
    if finding.name in {classes.LABELS, classes.CLASS_ROWS} and finding.level != "pass":
        return replace(finding, why="see the counts; the contract calls the label private")
    bare = tuple(example.partition(" (likelier ")[0] for example in finding.examples)
    return replace(finding, examples=bare)

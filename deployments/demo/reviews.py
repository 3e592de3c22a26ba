"""Reviews for the demo and the tests, made from a seed: sentences of a small grammar.

A sentence is one clause or two. What a clause says of its subject is turned round by a negation,
and of two that disagree the one after "but" decides. So the words alone, in whatever order, leave
some sentences undecided. Some reviewers write nearly the same again and again: rows of one
``reviewer`` belong on one side of a split.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.demo.generate import Rng, partition

REVIEWS = "reviews"
SUBJECTS: Mapping[str, Sequence[str]] = {
    "restaurant": ("soup", "service", "pasta", "terrace", "wine list", "dessert", "bread", "waiter",
                   "menu", "lunch", "kitchen", "music", "salad", "fish"),
    "product": ("battery", "screen", "charger", "keyboard", "case", "speaker", "manual", "camera",
                "button", "cable", "software", "display", "sound", "strap"),
    "movie": ("plot", "acting", "ending", "dialogue", "soundtrack", "casting", "opening", "script",
              "pacing", "costumes", "villain", "humour", "editing", "story"),
}  # fmt: skip
NEW_SUBJECTS = ("delivery app", "courier", "tracking", "chatbot", "refund", "voucher code")
GOOD = ("good", "great", "lovely", "excellent", "charming", "solid", "wonderful", "superb",
        "pleasant", "reliable", "impressive", "delightful")  # fmt: skip
BAD = ("bad", "awful", "dreadful", "poor", "disappointing", "dull", "terrible", "shoddy",
       "annoying", "clumsy", "mediocre", "unpleasant")  # fmt: skip
NEW_GOOD, NEW_BAD = ("fire", "goated", "chef's kiss"), ("mid", "cringe", "a letdown")
"""How a younger crowd says it."""
DEGREES = (*("",) * 7, "very", "really", "quite", "rather", "truly", "so")
NEGATIONS = ("was not", "wasn't", "was never", "was hardly")
OPENINGS = ("", "", "", "Honestly,", "To be fair,", "On Sunday", "For the price", "In the end",
            "As a regular I can say", "We agreed that")  # fmt: skip
CLOSINGS = ("", "", "", "this time", "for us", "that evening", "as usual", "all in all",
            "compared with last year")  # fmt: skip
CONTRAST, NEGATED, TWO_CLAUSES, COPIED, MISREAD = 0.4, 0.2, 0.5, 0.15, 0.02
"""Shares: of two clauses, those that disagree; of clauses, the negated; of sentences, those of two
clauses; of rows, near copies of an earlier one; of labels, those that people got wrong."""


@dataclass(frozen=True)
class ReviewShift:
    """How what people write about changed; the default is no change.

    Args:
        new_topic: Share of clauses about a subject that nobody reviewed before.
        new_words: Share of judgements in words that nobody used before.
    """

    new_topic: float = 0.0
    new_words: float = 0.0


def reviews(
    rows: int, start: date, days: int, seed: int = 0, shift: ReviewShift | None = None
) -> dict[str, NDArray[Any]]:
    """Columns of reviews, sorted by date.

    Args:
        rows: Number of reviews, spread evenly over the days.
        start: First day.
        days: Number of days.
        seed: Same seed, same rows.
        shift: How they differ from the usual.

    Returns:
        The columns of the contract: ``domain``, ``row``, ``text``, ``label`` (1 speaks well),
        ``reviewer`` and ``reviewed_on`` as ``datetime64[D]``. No text comes twice.
    """
    rng = np.random.default_rng((seed, start.toordinal(), rows))
    writer = _Writer(rng, shift or ReviewShift())
    texts = [writer.review() for _ in range(rows)]
    day = np.sort(rng.integers(0, days, rows))
    domains, said, labels, reviewers = zip(*texts, strict=True) if texts else ((), (), (), ())
    return {
        "domain": np.asarray(domains, dtype=object),
        "row": start.toordinal() * 100_000 + np.arange(rows),
        "text": np.asarray(said, dtype=object),
        "label": np.asarray(labels, dtype=np.int64),
        "reviewer": np.asarray(reviewers, dtype=object),
        "reviewed_on": np.datetime64(start, "D") + day,
    }


def write_reviews(root: Path, columns: dict[str, NDArray[Any]]) -> list[Path]:
    """Write reviews as one gzipped CSV a day under ``root/reviews``; returns the files."""
    written = []
    days, starts = np.unique(columns["reviewed_on"], return_index=True)
    for day, first, last in zip(days, starts, [*starts[1:], len(columns["text"])], strict=True):
        folder = partition(root / REVIEWS, day.astype(object))
        folder.mkdir(parents=True, exist_ok=True)
        lines = io.StringIO()
        out = csv.writer(lines, lineterminator="\n")
        out.writerow(columns)
        out.writerows(zip(*(values[first:last] for values in columns.values()), strict=True))
        written.append(folder / "part-0.csv.gz")
        written[-1].write_bytes(gzip.compress(lines.getvalue().encode(), mtime=0))
    return written


@dataclass(frozen=True)
class _Clause:
    """What is said of a subject; ``verdict`` is 1 when it is praised."""

    subject: str
    degree: str
    word: str
    verb: str
    verdict: int

    def __str__(self) -> str:
        return " ".join(f"the {self.subject} {self.verb} {self.degree} {self.word}".split())


class _Writer:
    def __init__(self, rng: Rng, shift: ReviewShift) -> None:
        self._rng = rng
        self._shift = shift
        self._seen: set[str] = set()
        self._last: list[tuple[str, list[_Clause], str, str]] = []

    def review(self) -> tuple[str, str, int, str]:
        """Domain, text, label and reviewer of a review that was not there before."""
        while True:
            made = self._again() if self._last and self._chance(COPIED) else self._new()
            domain, clauses, link, reviewer = made
            body = f"{link} ".join(map(str, clauses))
            text = " ".join(f"{self._pick(OPENINGS)} {body} {self._pick(CLOSINGS)}".split())
            text = f"{text[0].upper()}{text[1:]}."
            if text.lower() not in self._seen:
                break
        self._seen.add(text.lower())
        self._last = [*self._last[-200:], made]
        label = clauses[-1].verdict
        return domain, text, 1 - label if self._chance(MISREAD) else label, reviewer

    def _new(self) -> tuple[str, list[_Clause], str, str]:
        domain = self._pick(tuple(SUBJECTS))
        verdict = int(self._rng.integers(2))
        clauses = [self._clause(domain, verdict)]
        link = ""
        if self._chance(TWO_CLAUSES):
            other = self._chance(CONTRAST)
            clauses.insert(0, self._clause(domain, 1 - verdict if other else verdict))
            link = self._pick((", but", " but")) if other else " and"
        return domain, clauses, link, f"u{self._rng.integers(1 << 32):08x}"

    def _again(self) -> tuple[str, list[_Clause], str, str]:
        """The same clauses by the same reviewer, one of them to another degree."""
        domain, clauses, link, reviewer = self._pick(self._last)
        changed = int(self._rng.integers(len(clauses)))
        again = [
            _Clause(c.subject, self._pick(DEGREES), c.word, c.verb, c.verdict)
            if n == changed
            else c
            for n, c in enumerate(clauses)
        ]
        return domain, again, link, reviewer

    def _clause(self, domain: str, verdict: int) -> _Clause:
        negated = self._chance(NEGATED)
        fresh = self._chance(self._shift.new_words)
        praising, blaming = (NEW_GOOD, NEW_BAD) if fresh else (GOOD, BAD)
        words = praising if verdict != negated else blaming
        new = self._chance(self._shift.new_topic)
        return _Clause(
            subject=self._pick(NEW_SUBJECTS if new else SUBJECTS[domain]),
            degree="" if fresh else self._pick(DEGREES),
            word=self._pick(words),
            verb=self._pick(NEGATIONS) if negated else "was",
            verdict=verdict,
        )

    def _chance(self, share: float) -> bool:
        return bool(self._rng.random() < share)

    def _pick(self, of: Sequence[Any]) -> Any:
        return of[int(self._rng.integers(len(of)))]

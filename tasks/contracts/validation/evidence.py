"""Evidence that needs a memory or another data set: keys seen before, foreign keys, text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.contracts.model import Contract, Quality, Reference
from tasks.contracts.odcs.json_schemas import matching
from tasks.contracts.odcs.patterns import python_pattern
from tasks.contracts.validation.boxes import box_fault
from tasks.contracts.validation.casting import arrow_type
from tasks.contracts.validation.checks import (
    KEPT,
    RowCheck,
    ours_column,
    pattern_of,
    schema_column,
    unknown_column,
)
from tasks.contracts.validation.frame import keys_text
from tasks.contracts.validation.keys import KeyIndex, key_hashes
from tasks.contracts.validation.text import encoding_fault, language_fault, normalised

References = Mapping[str, Iterable[Path]]
"""Data set → Parquet files of its good rows, for foreign keys."""


class KeyMemory:
    """Keys of the rows that passed so far, one index per check of phase ``keys``."""

    def __init__(self, folder: Path, contract: Contract, checks: Iterable[RowCheck]) -> None:
        self.checks = tuple(check for check in checks if check.phase == "keys")
        self._indexes = {
            check.id: KeyIndex(folder / f"keys-{number}")
            for number, check in enumerate(self.checks)
        }
        self._texts = {
            ours_column(quality): quality
            for quality in contract.quality
            if quality.kind == "noDuplicateText"
        }

    def evidence(self, columns: Mapping[str, Any]) -> dict[str, list[str | None]]:
        """Evidence of every key check for these rows, which are remembered."""
        evidence: dict[str, list[str | None]] = {}
        for check in self.checks:
            quality = self._texts.get(check.evidence)
            names = check.columns
            if quality is not None:
                names = (quality.column, *(quality.arguments.get("within") or ()))
                hashed = [_normalised(columns[quality.column]), *(columns[n] for n in names[1:])]
            else:
                hashed = [columns[name] for name in names]
            hashes, whole = key_hashes(hashed)
            repeated = np.zeros(len(hashes), dtype=bool)
            repeated[whole] = self._indexes[check.id].repeated(hashes[whole])
            texts = keys_text([columns[name] for name in names], names, repeated)
            evidence[check.evidence] = _both(evidence.get(check.evidence), texts)
        return evidence


def _both(before: list[str | None] | None, now: list[str | None]) -> list[str | None]:
    if before is None:
        return now
    return [left or right for left, right in zip(before, now, strict=True)]


def _normalised(column: Any) -> Any:
    texts = (None if text is None else normalised(text) for text in column.to_pylist())
    return pa.array(texts, pa.string())


class ForeignKeys:
    """The rows of other data sets that this one refers to.

    ``unknown`` lists references whose data set was not given: nothing can be said of them.
    """

    def __init__(self, folder: Path, contract: Contract, references: References) -> None:
        self._indexes: list[tuple[Reference, KeyIndex]] = []
        self.unknown: list[Reference] = []
        for number, reference in enumerate(contract.references):
            files = references.get(reference.dataset)
            if files is None:
                self.unknown.append(reference)
                continue
            types = [arrow_type(contract.column(name)) for name in reference.columns]
            index = KeyIndex(folder / f"reference-{number}")
            for hashes in _stored_keys(files, reference.targets, types):
                index.add(hashes)
            self._indexes.append((reference, index))

    def evidence(self, columns: Mapping[str, Any], length: int) -> dict[str, list[str | None]]:
        """Which rows name nothing in the other data set."""
        evidence: dict[str, list[str | None]] = {
            unknown_column(reference): [None] * length for reference in self.unknown
        }
        for reference, index in self._indexes:
            named = [columns[name] for name in reference.columns]
            hashes, whole = key_hashes(named)
            lost = whole & ~index.known(hashes)
            evidence[unknown_column(reference)] = keys_text(named, reference.columns, lost)
        return evidence


def _stored_keys(
    files: Iterable[Path], targets: tuple[str, ...], types: list[Any]
) -> Iterator[np.ndarray]:
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(targets)):
                parts = [
                    batch.column(name).cast(kind) for name, kind in zip(targets, types, strict=True)
                ]
                hashes, whole = key_hashes(parts)
                yield hashes[whole]


def text_evidence(
    contract: Contract, columns: Mapping[str, Any], errors: dict[str, str]
) -> dict[str, list[str | None]]:
    """Evidence of the checks that look at one row's value at a time: of a text, of boxes.

    Args:
        contract: Whose checks these are.
        columns: Typed columns of the rows.
        errors: Gets why nobody could say, by the name of the evidence, which then tells nothing.
    """
    evidence: dict[str, list[str | None]] = {}
    for quality in contract.quality:
        if quality.kind == "boxCorners":
            texts = columns[quality.column].to_pylist()
            evidence[ours_column(quality)] = [
                None if text is None else box_fault(json.loads(text)) for text in texts
            ]
        elif quality.kind in {"textEncoding", "textLanguage"}:
            texts = columns[quality.column].to_pylist()
            evidence[ours_column(quality)] = [_text_fault(text, quality) for text in texts]
        elif name := pattern_of(quality):
            search = re.compile(python_pattern(str(quality.arguments["pattern"]))).search
            texts = columns[quality.column].to_pylist()
            evidence[name] = [None if text is None or search(text) else text for text in texts]
        elif name := schema_column(quality):
            keeps = matching(quality.arguments["kwargs"]["json_schema"])
            verdicts = {True: KEPT, False: "broken"}
            texts = columns[quality.column].to_pylist()
            try:
                evidence[name] = [None if text is None else verdicts[keeps(text)] for text in texts]
            except Exception as error:  # noqa: BLE001 - whatever it raises is "could not measure"
                evidence[name] = [None] * len(texts)
                errors[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return evidence


def _text_fault(text: str | None, quality: Quality) -> str | None:
    if text is None:
        return None
    if quality.kind == "textEncoding":
        return encoding_fault(text)
    return language_fault(text, quality.arguments.get("languages") or ["en"])

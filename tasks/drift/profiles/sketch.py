"""Mergeable sketches for columns with more values than are kept one by one.

- Bucket counts: each value's hash names one of 2048 buckets. Merging adds; tests on them are exact.
- Distinct values: HyperLogLog (Flajolet et al. 2007), 1024 registers, standard error 3.25 %.
  Merging takes the larger register.
- A sample of the values: those with the 1024 smallest hashes (bottom-k, Cohen 1997), each with its
  exact count, since a hash that is in the sample at the end was in it from the first row on. It
  tells whether values come again, which buckets do not. Merging is exact.
- Frequent values: Misra-Gries (1982) with 256 counters, merged as Agarwal et al. (2013) do. A count
  is a lower bound, short by at most ``error``. Their order of merging may show within that bound,
  so they explain and never decide.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.drift.profiles.cells import Ints

if TYPE_CHECKING:
    import pyarrow as pa

BUCKETS = 2048
FREQUENT = 256
SAMPLED = 1024
_INDEX_BITS = 10
REGISTERS = 1 << _INDEX_BITS
_HASH_BYTES = 1 << 21
_POSITIONS = 4096
# RandomState's stream never changes between NumPy versions: hashes must not either.
_ODD = np.random.RandomState(20_260_502).randint(0, 2**63, _POSITIONS, dtype=np.int64).astype(
    np.uint64
) * np.uint64(2) + np.uint64(1)

Hashes = NDArray[np.uint64]
Registers = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is kept of a column with very many values.

    Attributes:
        buckets: Rows per hash bucket, int64, shape (BUCKETS,).
        registers: HyperLogLog registers, uint8, shape (REGISTERS,).
        frequent: Value → lower bound of its count.
        error: How much a count in ``frequent`` may be short.
        sample: Hash → rows, of the values with the smallest hashes; None in profiles of earlier
            releases.
    """

    buckets: Ints
    registers: Registers
    frequent: Mapping[str, int] = field(default_factory=dict)
    error: int = 0
    sample: Mapping[int, int] | None = None

    def __eq__(self, other: object) -> bool:
        """Equal in what merges exactly; the frequent values are bounds."""
        return (
            isinstance(other, Sketch)
            and np.array_equal(self.buckets, other.buckets)
            and np.array_equal(self.registers, other.registers)
            and self.sample == other.sample
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def distinct(self) -> float:
        """Estimated number of distinct values."""
        harmonic = float(np.sum(2.0 ** -self.registers.astype(np.float64)))
        estimate = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS**2 / harmonic
        empty = int(np.count_nonzero(self.registers == 0))
        if estimate <= 2.5 * REGISTERS and empty:
            return float(REGISTERS * np.log(REGISTERS / empty))
        return estimate

    def merge(self, other: Sketch) -> Sketch:
        """The sketch of both."""
        sums = dict(self.frequent)
        for value, count in other.frequent.items():
            sums[value] = sums.get(value, 0) + count
        frequent, short = _largest(sums)
        return Sketch(
            buckets=self.buckets + other.buckets,
            registers=np.maximum(self.registers, other.registers),
            frequent=frequent,
            error=self.error + other.error + short,
            sample=_both_samples(self.sample, other.sample),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "buckets": self.buckets.tolist(),
            "registers": base64.b64encode(self.registers.tobytes()).decode(),
            "frequent": dict(self.frequent),
            "error": self.error,
        } | ({} if self.sample is None else {"sample": sorted(self.sample.items())})

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Sketch:
        """The inverse of :meth:`to_dict`.

        Raises:
            ValueError: the shapes are not ours.
        """
        buckets = np.asarray(value["buckets"], np.int64)
        registers = np.frombuffer(base64.b64decode(value["registers"]), np.uint8)
        if buckets.shape != (BUCKETS,) or registers.shape != (REGISTERS,):
            raise ValueError(f"a sketch has {BUCKETS} buckets and {REGISTERS} registers")
        sample = value.get("sample")
        kept = None if sample is None else {int(key): int(count) for key, count in sample}
        return cls(buckets, registers, dict(value["frequent"]), int(value["error"]), kept)


def sketch_of(values: pa.Array, counts: Ints) -> Sketch:
    """Sketch of distinct strings, shape (n,), and how often each occurs, shape (n,)."""
    hashes = hash_strings(values)
    buckets = np.zeros(BUCKETS, np.int64)
    np.add.at(buckets, (hashes % np.uint64(BUCKETS)).astype(np.int64), counts)
    registers = np.zeros(REGISTERS, np.uint8)
    index = (hashes >> np.uint64(64 - _INDEX_BITS)).astype(np.int64)
    rest = (hashes << np.uint64(_INDEX_BITS)) >> np.uint64(11)  # 53 bits: a float64 holds them
    rank = 54 - np.frexp(rest.astype(np.float64))[1]
    np.maximum.at(registers, index, rank.astype(np.uint8))
    top = np.arange(len(counts))
    if len(counts) > FREQUENT:
        top = np.argpartition(-counts, FREQUENT)[: FREQUENT + 1]
    named = {str(values[int(i)].as_py()): int(counts[i]) for i in top}
    frequent, short = _largest(named)
    least = np.argsort(hashes, kind="stable")[:SAMPLED]
    sample = dict(zip(hashes[least].tolist(), counts[least].tolist(), strict=True))
    return Sketch(buckets, registers, frequent, short, sample)


def hash_strings(values: pa.Array) -> Hashes:
    """64-bit multilinear hash of each string's UTF-8 bytes, the same on every machine; shape (n,).

    A value is hashed by its first 4096 bytes and its length.
    """
    import pyarrow as pa

    binary = values.cast(pa.large_binary())
    offsets = np.frombuffer(binary.buffers()[1], np.int64)
    offsets = offsets[binary.offset : binary.offset + len(binary) + 1]
    buffer = binary.buffers()[2]
    data = np.frombuffer(buffer, np.uint8) if buffer is not None else np.zeros(0, np.uint8)
    hashes = np.empty(len(values), np.uint64)
    start = 0
    while start < len(values):
        limit = offsets[start] + _HASH_BYTES
        stop = max(int(np.searchsorted(offsets, limit, side="right")) - 1, start + 1)
        hashes[start:stop] = _hash_block(data, offsets[start : stop + 1])
        start = stop
    return hashes


def _hash_block(data: NDArray[np.uint8], offsets: Ints) -> Hashes:
    lengths = np.diff(offsets)
    used = np.minimum(lengths, _POSITIONS)
    total = int(used.sum())
    sums = np.zeros(len(lengths), np.uint64)
    filled = used > 0
    if total:
        starts = np.cumsum(used) - used
        position = np.arange(total) - np.repeat(starts, used)
        octets = data[np.repeat(offsets[:-1], used) + position].astype(np.uint64)
        products = (octets + np.uint64(1)) * _ODD[position]
        sums[filled] = np.add.reduceat(products, starts[filled])
    mixed = sums + lengths.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for multiplier in (0xBF58476D1CE4E5B9, 0x94D049BB133111EB):  # SplitMix64's finalizer
        mixed ^= mixed >> np.uint64(30)
        mixed *= np.uint64(multiplier)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def _both_samples(
    a: Mapping[int, int] | None, b: Mapping[int, int] | None
) -> dict[int, int] | None:
    if a is None or b is None:
        return None
    sums = dict(a)
    for key, count in b.items():
        sums[key] = sums.get(key, 0) + count
    return {key: sums[key] for key in sorted(sums)[:SAMPLED]}


def sampled_alike(a: Sketch, b: Sketch) -> tuple[Ints, Ints]:
    """Rows of each of both sides with the same sampled values; empty where a side has no sample.

    Below the smaller of both samples' largest hashes every value of either side is known.
    """
    if a.sample is None or b.sample is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    full = [max(side) for side in (a.sample, b.sample) if len(side) == SAMPLED]
    limit = min(full, default=2**64)
    keys = [key for key in a.sample.keys() | b.sample.keys() if key <= limit]
    counts = ([side.get(key, 0) for key in keys] for side in (a.sample, b.sample))
    before, after = (np.asarray(side, np.int64) for side in counts)
    return before, after


def _largest(counts: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """The FREQUENT largest, less the next one's count; and that count."""
    if len(counts) <= FREQUENT:
        return dict(counts), 0
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    short = ordered[FREQUENT][1]
    return {name: count - short for name, count in ordered[:FREQUENT] if count > short}, short

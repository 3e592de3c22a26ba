"""Whether the report tells the truth: columns to which something known happened, and its word.

Twenty-four kinds of change, each in many draws of other distributions, sizes and amounts. A report
is right if it tells what happened, unclear if it says that it does not know, else wrong.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.drift.table import Row
from tasks.drift import ColumnKind, compare, fit_grid, profile_batches

Random = np.random.Generator
Drawn = tuple[Any, Any]
GOAL, BOUND = 0.9, 0.02
CITIES = ("Málaga", "Köln", "Zürich", "Łódź", "São Paulo", "Oslo", "rome", "Århus")


def numbers(random: Random, size: int, which: int) -> Any:
    """One of eight distributions, none of them centred on zero unless it is normal."""
    return (
        lambda: random.normal(0, 1, size),
        lambda: random.normal(100, 15, size),
        lambda: random.lognormal(3, 0.7, size),
        lambda: random.gamma(2, 10, size),
        lambda: random.uniform(10, 90, size),
        lambda: 50 + 10 * random.standard_t(4, size),
        lambda: np.where(random.random(size) < 0.6, random.normal(20, 3, size),
                         random.normal(45, 5, size)),
        lambda: random.weibull(1.5, size) * 30 + 1,
    )[which % 8]()  # fmt: skip


def two(random: Random, positive: bool = False) -> tuple[Any, Any]:
    """Two samples of one distribution, of unequal size."""
    which = int(random.choice([1, 2, 3, 4, 6, 7] if positive else range(8)))
    sizes = np.exp(random.uniform(np.log(1_500), np.log(20_000), 2)).astype(int)
    return numbers(random, sizes[0], which), numbers(random, sizes[1], which)


def _some(random: Random, values: Any, share: float) -> Any:
    return random.random(len(values)) < share


def unit(random: Random) -> Drawn:
    a, b = two(random, positive=True)
    factor = random.choice([10, 100, 1000, 60, 2.54, 0.3048, 1.609344, 2.204623])
    return a, b * factor if random.random() < 0.5 else b / factor


def scale(random: Random) -> Drawn:
    a, b = two(random, positive=True)
    return a, b * random.choice([0.45, 0.7, 1.35, 1.8, 2.0, 5.5])


def shift(random: Random) -> Drawn:
    a, b = two(random)
    return a, b + random.choice([-1, 1]) * random.uniform(0.3, 3) * a.std()


def spread(random: Random) -> Drawn:
    a, b = two(random)
    factor = random.choice([0.6, 0.75, 1.3, 1.6, 2.2])
    return a, b.mean() + factor * (b - b.mean())


def sentinel(random: Random) -> Drawn:
    a, b = two(random)
    value = random.choice([-999.0, -9999.0, 99999.0, 9999.0, -1e6])
    return a, np.where(_some(random, b, random.uniform(0.01, 0.3)), value, b)


def filled(random: Random) -> Drawn:
    a, b = two(random, positive=True)
    value = random.choice([0.0, -1.0])
    return a, np.where(_some(random, b, random.uniform(0.01, 0.3)), value, b)


def stuck(random: Random) -> Drawn:
    a, b = two(random)
    value = np.quantile(b, random.uniform(0.05, 0.95))
    return a, np.where(_some(random, b, random.uniform(0.05, 0.4)), value, b)


def nulls(random: Random) -> Drawn:
    a, b = two(random)
    return a, pa.array(b, mask=_some(random, b, random.uniform(0.01, 0.5)))


def unreadable(random: Random) -> Drawn:
    a, b = two(random)
    broken = _some(random, b, random.uniform(0.02, 0.5))
    written = [f"{x:.6g}".replace(".", ",") + " x" * bool(bad) if bad else f"{x:.6g}"
               for x, bad in zip(b, broken, strict=True)]  # fmt: skip
    return a, written


def truncated(random: Random) -> Drawn:
    a, b = two(random)
    edge = np.quantile(b, random.uniform(0.6, 0.95))
    return a, b[b < edge] if random.random() < 0.5 else -(-b)[b > np.quantile(b, 0.15)]


def clipped(random: Random) -> Drawn:
    a, b = two(random)
    edge = np.quantile(b, random.uniform(0.6, 0.95))
    return a, np.minimum(b, edge)


def some_units(random: Random) -> Drawn:
    a, b = two(random, positive=True)
    factor = random.choice([100, 1000, 60])
    return a, np.where(_some(random, b, random.uniform(0.01, 0.3)), b * factor, b)


def two_kinds(random: Random) -> Drawn:
    sizes = np.exp(random.uniform(np.log(1_500), np.log(20_000), 2)).astype(int)
    shares = random.uniform(0.3, 0.5), random.uniform(0.6, 0.8)
    a, b = (
        np.where(random.random(n) < p, random.normal(20, 3, n), random.normal(60, 4, n))
        for n, p in zip(sizes, shares, strict=True)
    )
    return a, b


def newcomers(random: Random) -> Drawn:
    a, b = two(random)
    place = np.median(a) + random.choice([-1, 1]) * 8 * a.std()
    other = random.normal(place, 0.4 * a.std(), len(b))
    return a, np.where(_some(random, b, random.uniform(0.03, 0.3)), other, b)


def sign(random: Random) -> Drawn:
    a, b = two(random, positive=True)
    return a, -b


def years(random: Random) -> Drawn:
    n, m = random.integers(1_500, 20_000, 2)
    p = random.dirichlet(np.full(12, 5.0))
    by = int(random.integers(1, 5))
    return random.choice(12, n, p=p) + 2005, random.choice(12, m, p=p) + 2005 + by


def identifiers(random: Random) -> Drawn:
    n = int(random.integers(1_500, 20_000))
    start = int(random.integers(1, 10**7))
    return np.arange(start, start + n), np.arange(start + n, start + 2 * n)


def hours(random: Random) -> Drawn:
    n, m = random.integers(1_500, 20_000, 2)
    p = random.dirichlet(np.full(24, 2.0))
    by = int(random.choice([1, 2, 5, 8, 23]))
    return random.choice(24, n, p=p), (random.choice(24, m, p=p) + by) % 24


def moments(random: Random) -> Drawn:
    n, m = random.integers(1_500, 20_000, 2)
    day = 1.76e9 + 86_400 * float(random.integers(0, 300))
    size = random.choice([1.0, 1e3])
    by = 3_600 * float(random.choice([-5, -2, -1, 1, 2, 8]))
    return (
        size * (day + 36_000 + 9_000 * random.beta(2, 3, n)),
        size * (day + 36_000 + 9_000 * random.beta(2, 3, m) + by),
    )


def constant(random: Random) -> Drawn:
    value = float(random.integers(1, 10_000))
    return np.full(3_000, value), np.full(3_000, value + random.choice([1.0, -0.5, 100.0]))


def _drawn(random: Random, names: Any, p: Any) -> list[str]:
    size = int(np.exp(random.uniform(np.log(1_500), np.log(20_000))))
    return list(np.asarray(names)[random.choice(len(names), size, p=p)])


def _shares(random: Random, names: Any) -> Any:
    return 0.7 * random.dirichlet(np.full(len(names), 3.0)) + 0.3 / len(names)


def new_value(random: Random) -> Drawn:
    p = _shares(random, CITIES)
    share = random.uniform(0.008, 0.1)
    return _drawn(random, CITIES, p), _drawn(
        random, [*CITIES, "Tartu"], np.append(p * (1 - share), share)
    )


def lost_value(random: Random) -> Drawn:
    p = _shares(random, CITIES)
    rest = np.where(np.arange(len(p)) == random.integers(len(p)), 0, p)
    return _drawn(random, CITIES, p), _drawn(random, CITIES, rest / rest.sum())


def share_moved(random: Random) -> Drawn:
    p = _shares(random, CITIES)
    q = p * np.exp(random.normal(0, 0.5, len(p)))
    return _drawn(random, CITIES, p), _drawn(random, CITIES, q / q.sum())


def rewritten(random: Random) -> Drawn:
    p = _shares(random, CITIES)
    ways: list[Callable[[str], str]] = [
        str.upper,
        lambda name: name.encode().decode("latin-1"),
        lambda name: name.encode().decode("cp1252", "replace"),
        lambda name: f"{name} ",
        lambda name: name.encode("ascii", "ignore").decode(),
    ]
    way = ways[int(random.integers(len(ways)))]
    return _drawn(random, CITIES, p), [way(name) for name in _drawn(random, CITIES, p)]


def read_twice(random: Random) -> Drawn:
    a, b = two(random)
    return a[:6_000], np.repeat(b[: len(b) // 4 + 400] + 0.3 * a.std(), 2)


def other_family(random: Random) -> Drawn:
    n, m = random.integers(3_000, 20_000, 2)
    return random.normal(50, 10, n), 50 + 10 * (random.gamma(1.2, 1, m) - 1.2)


KINDS: Mapping[str, tuple[Callable[[Random], Drawn], ColumnKind, frozenset[str]]] = {
    "unit": (unit, "numeric", frozenset({"unit change"})),
    "unit of some rows": (some_units, "numeric", frozenset({"unit change"})),
    "sign": (sign, "numeric", frozenset({"unit change"})),
    "factor": (scale, "numeric", frozenset({"scale"})),
    "shift": (shift, "numeric", frozenset({"shift"})),
    "shift of years": (years, "numeric", frozenset({"shift"})),
    "shift of identifiers": (identifiers, "numeric", frozenset({"shift"})),
    "spread": (spread, "numeric", frozenset({"spread"})),
    "sentinel": (sentinel, "numeric", frozenset({"one value"})),
    "filled with 0 or -1": (filled, "numeric", frozenset({"one value"})),
    "one value sticks": (stuck, "numeric", frozenset({"one value"})),
    "constant": (constant, "numeric", frozenset({"one value"})),
    "nulls": (nulls, "numeric", frozenset({"nulls"})),
    "unreadable": (unreadable, "numeric", frozenset({"unreadable values"})),
    "truncation": (truncated, "numeric", frozenset({"truncation"})),
    "clipping": (clipped, "numeric", frozenset({"truncation"})),
    "mix of two": (two_kinds, "numeric", frozenset({"mix"})),
    "newcomers": (newcomers, "numeric", frozenset({"mix", "outliers"})),
    "hours turned": (hours, "numeric", frozenset({"clock"})),
    "moments moved": (moments, "numeric", frozenset({"clock"})),
    "read twice": (read_twice, "numeric", frozenset({"duplicates"})),
    "new value": (new_value, "categorical", frozenset({"new category"})),
    "lost value": (lost_value, "categorical", frozenset({"lost category"})),
    "shares": (share_moved, "categorical", frozenset({"category share"})),
    "encoding": (rewritten, "categorical", frozenset({"encoding"})),
    "another family": (other_family, "numeric", frozenset({"unclear"})),
}


def told(random: Random, kind: str) -> tuple[str, str]:
    """The word and the sentence of one draw's report; "" when no drift was found."""
    draw, column, _ = KINDS[kind]
    before, after = (pa.table({"x": pa.array(side)}) for side in draw(random))
    kinds: Mapping[str, ColumnKind] = {"x": column}
    grid = fit_grid(before, kinds)
    reference = profile_batches(before.to_batches(), kinds, grid, partition="2026-01-05")
    current = profile_batches(after.to_batches(), kinds, grid, partition="2026-01-12")
    found = compare(reference, current).columns[0]
    return (found.meaning, found.sentence) if found.drifted else ("", "")


def judged(kind: str, draws: int, seed: int) -> Counter[str]:
    """How often the word was right, wrong or unclear, or nothing was found."""
    random = np.random.default_rng([seed, zlib.crc32(kind.encode())])
    outcome: Counter[str] = Counter()
    for _ in range(draws):
        word, sentence = told(random, kind)
        right = word in KINDS[kind][2] or (kind == "unit" and "perhaps the unit" in sentence)
        outcome[
            "right" if right else "quiet" if not word else word if word != "unclear" else "unclear"
        ] += 1
    return outcome


def table(draws: int = 50, seed: int = 1) -> list[Row]:
    """One row a kind, and all together."""
    lines, whole = [], Counter[str]()
    for kind in KINDS:
        found = judged(kind, draws, seed)
        quiet, right, unclear = (
            found.pop("quiet", 0),
            found.pop("right", 0),
            found.pop("unclear", 0),
        )
        wrong = sum(found.values())
        looked = max(draws - quiet, 1)
        whole.update(right=right, unclear=unclear, wrong=wrong, looked=looked)
        said = ", ".join(f"{word} {count}" for word, count in found.most_common())
        shown = f"{right} right, {unclear} unclear, {wrong} wrong" + (f" ({said})" if said else "")
        if quiet:
            shown += f"; no drift in {quiet}"
        lines.append(Row(f"story: {kind}", f"of {looked}", shown))
    share = {word: whole[word] / whole["looked"] for word in ("right", "wrong")}
    for word, goal, holds in (
        ("right", f"≥ {GOAL:.0%}", share["right"] >= GOAL),
        ("wrong", f"≤ {BOUND:.0%}", share["wrong"] <= BOUND),
    ):
        lines.append(Row(f"stories told {word}", goal, f"{share[word]:.1%}", holds))
    return lines

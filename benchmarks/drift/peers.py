"""Peers on the same data, each in its own environment under the cache folder, built on demand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift import cost
from benchmarks.drift.power import CHANGES
from benchmarks.drift.world import Week, rows

HEAD = (
    "| peer | 1M × 20 from memory, s | false alarm 1k / 10k | "
    + " | ".join(CHANGES)
    + " |\n|---|---|---|"
    + "---|" * len(CHANGES)
)


@dataclass(frozen=True)
class Peer:
    """``pins`` as pip takes them; ``program`` defines ``check(reference, current) -> columns``.

    The program gets two pandas frames and gives the names of the columns that it says drifted, at
    the peer's own defaults or, where it has none, at 5 % over all columns by Bonferroni.
    """

    pins: tuple[str, ...]
    program: str


PEERS: Mapping[str, Peer] = {
    "frouros": Peer(
        ("frouros==0.9.*", "pandas<2.3", "pyarrow<21"),
        """
import numpy as np
from frouros.detectors.data_drift import KSTest, ChiSquareTest

def check(reference, current):
    drifted = []
    for name in reference:
        a, b = reference[name], current[name]
        detector = KSTest() if a.dtype.kind == "f" else ChiSquareTest()
        if a.dtype.kind == "f":
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        detector.fit(X=a.to_numpy())
        result, _ = detector.compare(X=b.to_numpy())
        if result.p_value < 0.05:
            drifted.append(name)
    return drifted
""",
    ),
    "alibi-detect": Peer(
        ("alibi-detect==0.13.*", "pandas<2.3", "pyarrow<21", "numpy<2", "setuptools<80"),
        """
import numpy as np
from alibi_detect.cd import TabularDrift

def check(reference, current):
    def matrix(frame):
        return np.stack([
            frame[n].fillna(0).to_numpy() if frame[n].dtype.kind == "f"
            else frame[n].astype("category").cat.set_categories(names[n]).cat.codes.to_numpy()
            for n in frame
        ], axis=1).astype(float)
    names = {
        n: sorted(set(reference[n]) | set(current[n]))
        for n in reference if reference[n].dtype.kind != "f"
    }
    codes = {i: None for i, n in enumerate(reference) if n in names}
    detector = TabularDrift(matrix(reference), p_val=0.05, categories_per_feature=codes)
    found = detector.predict(matrix(current), drift_type="batch")["data"]
    return ["any"] if found["is_drift"] else []
""",
    ),
    "evidently": Peer(
        ("evidently==0.7.23", "pandas<3", "pyarrow<21"),
        """
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset

def check(reference, current):
    numeric = [n for n in reference if reference[n].dtype.kind == "f"]
    other = [n for n in reference if n not in numeric]
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=other)
    a = Dataset.from_pandas(reference, data_definition=definition)
    b = Dataset.from_pandas(current, data_definition=definition)
    report = Report([DataDriftPreset()]).run(b, a).dict()
    drifted = []
    for metric in report["metrics"]:
        config = metric.get("config", {})
        if config.get("type", "").endswith("ValueDrift"):
            method, limit = config.get("method", ""), config.get("threshold", 0.05)
            far = metric["value"] < limit if "p_value" in method else metric["value"] >= limit
            if far:
                drifted.append(config["column"])
    return drifted
""",
    ),
    "deepchecks": Peer(
        ("deepchecks==0.19.1", "setuptools<80", "numpy<2", "pandas<2.3", "scikit-learn<1.6",
         "category-encoders<2.7", "pyarrow<21"),
        """
import warnings; warnings.simplefilter("ignore")
from deepchecks.tabular import Dataset
from deepchecks.tabular.checks import FeatureDrift

def check(reference, current):
    codes = [n for n in reference if reference[n].dtype.kind != "f"]
    a, b = (Dataset(f, cat_features=codes) for f in (reference, current))
    test = FeatureDrift().add_condition_drift_score_less_than()
    scores = test.run(a, b).value
    limit = lambda n: 0.2
    return [n for n, item in scores.items() if (item["Drift score"] or 0) > limit(n)]
""",
    ),
    "nannyml": Peer(
        ("nannyml==0.13.1", "statsmodels", "pandas<2.3", "pyarrow<21"),
        """
import warnings; warnings.simplefilter("ignore")
import nannyml, pandas

def check(reference, current):
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(reference),
        continuous_methods=["jensen_shannon"], categorical_methods=["jensen_shannon"],
        chunk_number=1,
    )
    half = nannyml.UnivariateDriftCalculator(
        column_names=list(reference), chunk_number=10,
        continuous_methods=["jensen_shannon"], categorical_methods=["jensen_shannon"],
    )
    half.fit(reference)
    result = half.calculate(current).to_df()
    return [
        n for n in reference
        if result[(n, "jensen_shannon", "alert")].iloc[-10:].any()
    ]
""",
    ),
    "whylogs": Peer(
        ("whylogs[viz]==1.6.4", "numpy<2", "pandas<2.3", "pyarrow<21", "setuptools<80"),
        """
import os; os.environ["WHYLOGS_NO_ANALYTICS"] = "True"
import whylogs
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores

def check(reference, current):
    a, b = whylogs.log(reference).view(), whylogs.log(current).view()
    scores = calculate_drift_scores(target_view=b, reference_view=a, with_thresholds=True)
    return [n for n, s in scores.items() if s and s.get("drift_category") == "DRIFT"]
""",
    ),
}  # fmt: skip

RUNNER = """
import json, sys, time
import pandas as pd
{program}
pairs = json.load(open(sys.argv[1]))
answers = []
for a, b in pairs:
    reference, current = pd.read_parquet(a), pd.read_parquet(b)
    started = time.process_time()
    drifted = check(reference, current)
    answers.append({{"seconds": time.process_time() - started, "drifted": drifted}})
print(json.dumps(answers))
"""


def measured(name: str, cache: Path, *, repeats: int) -> str:
    """One row of the peers' table; each rate from ``repeats`` pairs of files."""
    python = environment(name, cache)
    folder = cache / "pairs"
    folder.mkdir(exist_ok=True)
    sides = [
        cost.write(cache / f"{side}-1m.parquet", cost.MILLION, seed)
        for seed, side in ((1, "reference"), (2, "current"))
    ]
    answers = [_run(python, name, [tuple(sides)], cache)]
    cells = [f"{answers[0][0][0]:.1f}"]
    false = []
    for size in (1_000, 10_000):
        verdicts = _run(python, name, _pairs(folder, size, Week(), repeats, "none"), cache)
        false.append(f"{np.mean([bool(columns) for _, columns in verdicts]):.0%}")
    cells.append(" / ".join(false))
    for label, (week, _) in CHANGES.items():
        pairs = _pairs(folder, 10_000, week, repeats, "".join(filter(str.isalnum, label)))
        verdicts = _run(python, name, pairs, cache)
        right = [bool({"any", "x00", "c0"} & set(columns)) for _, columns in verdicts]
        cells.append(f"{np.mean(right):.2f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def environment(name: str, cache: Path) -> Path:
    """The Python of a peer's own environment, which is built the first time."""
    folder = cache / "environments" / name
    python = folder / "bin" / "python"
    if not (folder / "built").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             *PEERS[name].pins],
            check=True,
        )  # fmt: skip
        (folder / "built").touch()
    return python


def _pairs(folder: Path, size: int, week: Week, repeats: int, label: str) -> list[tuple[Path, ...]]:
    """The same rows for every peer."""
    random = np.random.default_rng(size)
    pairs = []
    for index in range(repeats):
        pair = []
        for side, law in (("a", Week()), ("b", week)):
            batch = rows(random, size, law)
            path = folder / f"{label}-{size}-{index}-{side}.parquet"
            if not path.exists():
                pq.write_table(pa.Table.from_batches([batch]), path)
            pair.append(path)
        pairs.append(tuple(pair))
    return pairs


def _run(
    python: Path, name: str, pairs: list[tuple[Path, ...]], cache: Path
) -> list[tuple[float, list[str]]]:
    program = cache / f"run-{name}.py"
    program.write_text(RUNNER.format(program=PEERS[name].program), encoding="utf-8")
    request = cache / f"run-{name}.json"
    request.write_text(
        json.dumps([[str(path) for path in pair] for pair in pairs]), encoding="utf-8"
    )
    answer = subprocess.run(
        [str(python), str(program), str(request)], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise SystemExit(f"{name} failed:\n{answer.stderr[-2000:]}")
    return [
        (item["seconds"], item["drifted"]) for item in json.loads(answer.stdout.splitlines()[-1])
    ]

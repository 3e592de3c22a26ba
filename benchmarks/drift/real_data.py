"""Drift on real data: ``python -m benchmarks.drift.real_data <folder>``.

The folder holds kc_house_sales.csv.gz, review_sentences.csv.gz and california_housing.csv.gz. Exits
with 1 when something that must hold does not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tasks.contracts import load_contract
from tasks.drift import ColumnKind, DriftPolicy, DriftReport, Profile, compare, profile_batches
from tasks.drift.grid import fit_grid
from tasks.drift.history import Watching
from tasks.drift.profiles.grid import Grid
from tasks.drift.quality.concept import ConceptPolicy, monitor, period

HOUSE: Mapping[str, ColumnKind] = {
    **dict.fromkeys(
        (
            "bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors", "grade", "sqft_above",
            "sqft_basement", "yr_built", "lat", "long", "sqft_living15", "sqft_lot15",
        ),
        "numeric",
    ),
    **dict.fromkeys(("waterfront", "view", "condition", "zipcode"), "categorical"),
}  # fmt: skip
FEATURES = [*HOUSE, "yr_renovated"]
CONTRACTS = Path(__file__).resolve().parents[2] / "data_contracts"
SALES = load_contract("property_sales", CONTRACTS)
POLICY = Watching.of(SALES.dataset, SALES.drift_policy).policy
TRAINED_UNTIL = "2014-11-01"


def profile(frame: Any, columns: Mapping[str, ColumnKind], grid: Grid | None, name: str) -> Profile:
    batch = pa.RecordBatch.from_pandas(frame[list(columns)], preserve_index=False)
    return profile_batches([batch], columns, grid, partition=name)


def weekly(frame: Any, grid: Grid) -> list[Profile]:
    groups = frame.groupby(frame["date"].dt.to_period("W-SUN"))
    return [profile(part, HOUSE, grid, str(week.start_time.date())) for week, part in groups]


def house_inputs(frame: Any) -> tuple[int, int, float]:
    """Weekly checks after training; alarms, and the largest PSI of a month's column."""
    train = frame[frame["date"] < TRAINED_UNTIL]
    later = frame[frame["date"] >= TRAINED_UNTIL]
    batch = pa.Table.from_pandas(train[list(HOUSE)], preserve_index=False)
    grid = fit_grid(batch, HOUSE)
    reference, weeks = weekly(train, grid), weekly(later, grid)
    alarms = 0
    sharp, default = 0, POLICY.model_copy(update={"least_psi": 0.0})
    for index in range(len(weeks)):
        run = weeks[max(0, index - 3) : index + 1]
        sharp += compare(reference, run, default).outcome == "fail"
        report = compare(reference, run, POLICY)
        alarms += report.outcome == "fail"
        if report.outcome == "fail":
            print("   alarm", report.current_partitions[-1], report.reason[:160])
    print(f"   with leastPsi 0, the default: {sharp} of {len(weeks)} checks alarm")
    months = later.groupby(later["date"].dt.to_period("M"))
    largest = 0.0
    for month, part in months:
        report = compare(reference, profile(part, HOUSE, grid, str(month)), POLICY)
        indices = {c.name: c.effects.psi for c in report.columns}
        # With 70 postcodes sampling alone makes an index of 69 × (1/n + 1/m): 0.06 a month.
        places = indices.pop("zipcode")
        noise = 69 * (1 / report.current_rows + 1 / report.reference_rows)
        name, psi = max(indices.items(), key=lambda item: item[1])
        print(
            f"   {month}: {report.outcome}, {report.current_rows:5,} rows, "
            f"largest PSI {psi:.3f} ({name}); zipcode {places:.3f}, of which sampling {noise:.3f}"
        )
        largest = max(largest, psi)
    return alarms, len(weeks), largest


def house_concept(frame: Any) -> dict[str, str]:
    """When the error and bias monitors alarm; residuals are log(price / prediction)."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import KFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    train = frame[frame["date"] < TRAINED_UNTIL]
    later = frame[frame["date"] >= TRAINED_UNTIL]
    model = HistGradientBoostingRegressor(max_iter=300, random_state=0)
    folds = KFold(5, shuffle=True, random_state=0)
    threadpool_limits(1)  # on a busy machine its threads would wait for each other
    log_prices = np.log(train["price"].to_numpy())
    held_out = cross_val_predict(model, train[FEATURES], log_prices, cv=folds)
    model.fit(train[FEATURES], log_prices)
    residuals = pd.concat(
        [
            pd.Series(log_prices - held_out, index=train["date"]),
            pd.Series(
                np.log(later["price"]).to_numpy() - model.predict(later[FEATURES]),
                index=later["date"],
            ),
        ]
    )
    names = pd.DatetimeIndex(residuals.index).to_period("W-SUN")
    alarms: dict[str, str] = {}
    for subject, values in (("bias", residuals), ("error", residuals.abs())):
        weeks = [
            (week.start_time, period(str(week.end_time.date()), part.to_numpy()))
            for week, part in values.groupby(names)
        ]
        reference = [item for start, item in weeks if start < pd.Timestamp(TRAINED_UNTIL)]
        rest = [item for start, item in weeks if start >= pd.Timestamp(TRAINED_UNTIL)]
        state = monitor(subject, reference, rest, ConceptPolicy(alpha=0.01))
        when = next(
            (item.name for item, e in zip(rest, state.history, strict=True) if e >= state.bound), ""
        )
        alarms[subject] = when
        print(
            f"   {subject}: alarm in the week that ends {when or 'never'}, since {state.since}, "
            f"change {state.change:+.3f} (log price)"
        )
    return alarms


def reviews(frame: Any) -> tuple[DriftReport, DriftReport, int]:
    """Restaurant against movie, against its own other half, and 20 random halves."""
    columns: Mapping[str, ColumnKind] = {"text": "text"}
    food = frame[frame["domain"] == "restaurant"]
    other = frame[frame["domain"] == "movie"]
    half = food.sample(frac=1, random_state=0)
    base = profile(half[:500], columns, None, "first half")
    same = compare(base, profile(half[500:], columns, base.grid, "second half"))
    domains = compare(base, profile(other, columns, base.grid, "movie"))
    false = 0
    for seed in range(20):
        shuffle = food.sample(frac=1, random_state=seed)
        first = profile(shuffle[:500], columns, None, "a")
        second = profile(shuffle[500:], columns, first.grid, "b")
        false += compare(first, second).outcome == "fail"
    return same, domains, false


def california(frame: Any) -> tuple[DriftReport, DriftReport]:
    """Inland against coast, and inland against itself."""
    columns: dict[str, ColumnKind] = {
        name: "numeric" for name in frame.columns if name != "ocean_proximity"
    }
    inland = frame[frame["ocean_proximity"] == "INLAND"].sample(frac=1, random_state=0)
    coast = frame[frame["ocean_proximity"] != "INLAND"]
    half = len(inland) // 2
    base = profile(inland[:half], columns, None, "inland")
    return (
        compare(base, profile(inland[half:], columns, base.grid, "inland too")),
        compare(base, profile(coast, columns, base.grid, "coast")),
    )


def main(folder: Path) -> int:
    failures = []

    def must(what: str, holds: bool) -> None:
        print(f"{'holds' if holds else 'FAILS'}: {what}")
        if not holds:
            failures.append(what)

    sales = pd.read_csv(folder / "kc_house_sales.csv.gz", parse_dates=["date"])
    print("House sales, trained on May to October 2014; promise:", DriftPolicy().promise)
    alarms, checks, psi = house_inputs(sales)
    must(f"inputs quiet: {alarms} alarms in {checks} weekly checks", alarms == 0)
    must(f"largest monthly PSI {psi:.3f} ≤ 0.08 (zipcode apart)", psi <= 0.08)
    alarm_weeks = house_concept(sales)
    first = min((when for when in alarm_weeks.values() if when), default="never")
    must(f"error/bias alarm {first}, from January to March 2015", "2015-01" <= first < "2015-04")
    same, domains, false = reviews(pd.read_csv(folder / "review_sentences.csv.gz"))
    print("   movie:", domains.reason)
    must("restaurant → movie alarms", domains.outcome == "fail")
    must("halves of restaurant are quiet", same.outcome == "pass")
    must(f"20 random halves of restaurant: {false} alarms", false == 0)
    quiet, loud = california(pd.read_csv(folder / "california_housing.csv.gz"))
    print("   coast:", loud.reason)
    must("inland → coast alarms", loud.outcome == "fail")
    must("halves of inland are quiet", quiet.outcome == "pass")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.drift.real_data <folder of the real data>")
    sys.exit(main(Path(sys.argv[1])))

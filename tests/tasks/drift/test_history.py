"""What a contract's driftPolicy says, and what the data set of the journeys makes of it."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from deployments.demo.generate import Shift, property_sales
from tasks.contracts import known_contracts, load_contract
from tasks.drift import compare, fit_grid, profile_batches
from tasks.drift.history import Watching
from tasks.errors import InvalidContract

CONTRACTS = Path(__file__).parents[3] / "data_contracts"


@pytest.mark.parametrize("name", known_contracts(CONTRACTS))
def test_every_drift_policy_parses(name):
    assert Watching.of(name, load_contract(name, CONTRACTS).drift_policy).policy.promise


def test_a_key_that_nobody_reads_is_refused():
    with pytest.raises(InvalidContract, match="leastPSI: no such key; perhaps leastPsi is meant"):
        Watching.of("things", {"leastPSI": 0.1})


def test_its_keys_reach_the_check():
    policy = {"leastPsi": 0.2, "season": "year", "ignore": ["x"], "errorAlarm": 0.05}
    watching = Watching.of("things", policy)
    assert (watching.policy.least_psi, watching.policy.season) == (0.2, "year")
    assert watching.policy.ignore == {"x"}
    assert watching.concept.alpha == 0.05


def test_the_sales_stay_quiet_on_their_own_and_speak_when_the_houses_change():
    contract = load_contract("property_sales", CONTRACTS)
    policy = Watching.of(contract.dataset, contract.drift_policy).policy

    def weeks(rows, start, days, shift=None):
        table = pa.table(property_sales(rows, start, days, seed=start.toordinal(), shift=shift))
        number = (table["date"].to_numpy() - np.datetime64(start)).astype(int) // 7
        return [table.filter(pa.array(number == week)) for week in range(days // 7)]

    before = weeks(2100, date(2026, 1, 5), 84)
    grid = fit_grid(pa.concat_tables(before), contract.kinds)

    def profiles(tables):
        return [
            profile_batches(iter(part.to_batches()), contract.kinds, grid, partition=f"w{n:02d}")
            for n, part in enumerate(tables)
        ]

    reference = profiles(before)
    start = date(2026, 4, 6)
    assert compare(reference, profiles(weeks(700, start, 14)), policy).outcome == "pass"
    moved = compare(reference, profiles(weeks(700, start, 14, Shift(size=1.3, grade=1))), policy)
    assert moved.outcome == "fail"
    assert "grade" in moved.drifted

"""Interactions as they are made: by their contract, late, and nothing that a line could learn."""

import json
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from deployments.demo.interactions import (
    LATEST,
    NEW_STATE,
    PartnerShift,
    partner_interactions,
    versions,
    write_interactions,
)
from tasks.contracts.curation.merging import gathered
from tasks.contracts.odcs import load_contract
from tasks.contracts.validation import validate_snapshot
from tasks.lake.formats import LocalReader
from tasks.model_spec import load_model_spec
from tasks.training.split import split_good_rows
from tests.models.trained import ROOT
from tests.tasks.contracts.conftest import Lake

pytestmark = pytest.mark.seconds(30)

DAY = date(2026, 1, 1)
SPEC = load_model_spec("partner-match", ROOT / "models")
CONTRACT = load_contract(SPEC.data.dataset, ROOT / "data_contracts")
LABEL = SPEC.data.label
ROWS, DAYS = 3_000, 100
UNTIL = DAY + timedelta(days=DAYS - 1)


def test_the_same_seed_makes_the_same_interactions_and_another_does_not():
    one, same = (partner_interactions(400, DAY, 30, seed=4) for _ in range(2))
    other = partner_interactions(400, DAY, 30, seed=5)
    assert all((one[name] == same[name]).all() for name in one)
    assert (one["interaction_id"] != other["interaction_id"]).all()
    assert list(versions(one)) == list(versions(same))


def test_a_match_is_rare_and_soon_known_and_no_match_later():
    made = partner_interactions(20_000, DAY, 140, seed=1)
    matched, arrives = made["matched"], made["arrives"]
    assert 0.05 < matched.mean() < 0.15
    assert made["chance"].mean() == pytest.approx(matched.mean(), abs=0.01)
    known = arrives >= 0
    assert arrives[known].min() >= 1
    assert arrives.max() <= LATEST == SPEC.data.label_delay_days
    assert arrives[known & matched].mean() + 4 < arrives[known & ~matched].mean()


def test_no_column_says_much_alone():
    made = partner_interactions(20_000, DAY, 140, seed=1)
    for name in ("metadata.device_type", "experiments.matching_algorithm", "metadata.channel"):
        shares = [made["matched"][made[name] == value].mean() for value in np.unique(made[name])]
        assert max(shares) < 2 * min(shares), name


def test_each_version_lies_on_the_day_of_its_writing_and_says_what_was_known():
    made = partner_interactions(300, DAY, 40, seed=3)
    until = DAY + timedelta(days=30)
    seen = {}
    for day, record in versions(made, until):
        assert day <= until
        known = record["outcomes"]["partner_matched"]
        before = seen.setdefault(record["interaction_id"], [])
        assert (known is None) == (not before)
        assert str(day) == record.get("updated_at", record["timestamp"])[:10]
        before.append(record)
    for first, *more in seen.values():
        for later in more:
            changed = {name for name in later if later[name] != first.get(name)}
            assert changed == {"updated_at", "outcomes"}
    heard = sum(len(records) == 2 for records in seen.values())
    assert 0.5 * len(seen) < heard < 0.95 * len(seen)


def test_the_interactions_can_shift():
    usual = partner_interactions(5_000, DAY, 60, seed=3)
    shift = PartnerShift(tokens=2.0, new_state=0.2, demand=1.0)
    shifted = partner_interactions(5_000, DAY, 60, seed=3, shift=shift)
    tokens = [made["ai_conversation.total_tokens"] for made in (usual, shifted)]
    assert tokens[1].mean() == pytest.approx(2 * tokens[0].mean(), rel=0.01)
    states = Counter(shifted["metadata.location.state"])
    assert states[NEW_STATE] == pytest.approx(1_000, rel=0.15)
    assert NEW_STATE not in usual["metadata.location.state"]
    assert shifted["matched"].mean() > 1.5 * usual["matched"].mean()


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """What was made, as a lake's files until a day, judged by their contract."""
    folder = tmp_path_factory.mktemp("lake")
    made = partner_interactions(ROWS, DAY, DAYS, seed=2)
    stored = Lake(folder, CONTRACT.dataset, "raw/")
    for file in write_interactions(folder / "raw", made, UNTIL):
        year, month, day = (int(part.split("=")[1]) for part in file.parts[-4:-1])
        stored.put(file.name, file.read_bytes(), date(year, month, day))
    report = validate_snapshot(
        CONTRACT.whole, stored.snapshot(), stored.paths, folder / "work", read=LocalReader(),
        docs=False, as_of=UNTIL,
    )  # fmt: skip
    return made, folder / "work", report


def records(folder):
    return [row for file in folder.glob("*.parquet") for row in pq.read_table(file).to_pylist()]


def test_the_lake_keeps_its_contract(lake):
    _, _, report = lake
    report.require_pass()
    assert report.rows_quarantined == 0


def test_an_outcome_that_has_not_come_is_no_negative(lake, tmp_path):
    made, work, report = lake
    counts = gathered(work / "good", tmp_path / "records", CONTRACT)
    assert counts == (report.rows_in, ROWS, 0)
    split = split_good_rows(tmp_path / "records", tmp_path, SPEC.data)
    truth = dict(zip(made["interaction_id"], made["matched"].tolist(), strict=True))
    taken = [row for side in ("training", "holdout") for row in records(tmp_path / side)]
    told = {row["interaction_id"]: row[LABEL] for row in taken}
    assert len(told) == len(taken) == split.training_rows + split.holdout_rows
    assert all(label in (None, truth[name]) for name, label in told.items())
    known = {name: label for name, label in told.items() if label is not None}
    assert len(known) > 0.94 * len(told)
    # Of the days that are used, yes and no are as frequent as they are in truth.
    share = np.mean([truth[name] for name in told])
    assert np.mean(list(known.values())) == pytest.approx(share, abs=0.005)
    # Of the days that are left out, most yeses are there, and most noes are not.
    young = [row for row in records(tmp_path / "records") if row["interaction_id"] not in told]
    assert len(young) == split.too_young > 500
    heard = {
        yes: np.mean([r[LABEL] is not None for r in young if truth[r["interaction_id"]] == yes])
        for yes in (True, False)
    }
    assert heard[True] > 1.4 * heard[False]


def test_a_record_bears_the_day_on_which_it_took_place(lake, tmp_path):
    made, work, _ = lake
    gathered(work / "good", tmp_path / "records", CONTRACT)
    days = {row["interaction_id"]: row["_day"] for row in records(tmp_path / "records")}
    took = zip(made["interaction_id"], made["timestamp"].astype("datetime64[D]"), strict=True)
    assert days == {name: day.astype(object) for name, day in took}


def test_a_folder_is_written_from_the_command_line(tmp_path):
    import subprocess
    import sys

    command = [sys.executable, "-m", "deployments.demo.interactions", str(tmp_path), "--rows", "40"]
    said = subprocess.run([*command, "--days", "5"], cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    lines = [line for file in tmp_path.rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert 40 < len(lines) <= 80
    assert {len(json.loads(line)["interaction_id"]) for line in lines} == {36}

"""The apps' interactions through all of curation: every field, and outcomes that come late."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.contracts.curation.assembly import assemble
from tasks.contracts.curation.merging import fold_versions, records, versions_schema
from tasks.contracts.curation.partitions import Curation
from tasks.contracts.odcs import contract_of
from tasks.contracts.tasks import check_contract, gather_records
from tasks.lake.bucket import take_snapshot
from tasks.lake.formats import LocalReader
from tasks.lake.pull import pull
from tasks.values import ValidatedData
from tests.tasks.contracts.conftest import document
from tests.tasks.contracts.curation.interactions import START, interaction, leaves
from tests.tasks.contracts.curation.test_curation import (
    OPINIONS,
    RESULTS,
    TALKS,
    new_lake,
    opinion,
    result,
    talk,
)

pytestmark = pytest.mark.seconds(50)

__all__ = ["new_lake"]
FIRST = START.date()


def put(lake, record, day=0, name=""):
    """One object a file, where the apps write it: months and days are not padded."""
    when = FIRST + timedelta(days=day)
    key = f"raw/year={when.year}/month={when.month}/day={when.day}/"
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    key += name or f"{record['interaction_id']}.json"
    lake.s3.put_object(Bucket=lake.bucket, Key=key, Body=body)
    return key


def part(number, **outcomes):
    """A later version that says nothing but what came of it."""
    return {"interaction_id": interaction(number)["interaction_id"], "outcomes": outcomes}


def later(number, **outcomes):
    """The same interaction written again with what came of it, and nothing else that is new."""
    return interaction(number, outcomes=interaction(number)["outcomes"] | outcomes)


def by_id(found):
    return {str(UUID(int=number)): row for number, row in found.items()}


def same(value, stored):
    if isinstance(value, list | dict):
        return json.loads(stored) == value
    if isinstance(stored, datetime):
        return datetime.fromisoformat(value) == stored
    return value == stored


def test_25_of_25_records_are_good_and_every_field_is_carried_on(new_lake):
    lake = new_lake()
    written = [interaction(number, number % 3) for number in range(25)]
    for number, record in enumerate(written):
        put(lake, record, number % 3)
    folded = lake.curate(TALKS)
    assert (folded.rows_in, folded.rows_new) == (25, 25)
    lake.curate(RESULTS)
    lake.curate(OPINIONS)
    found = by_id(lake.records("processed/conversations/bucket"))
    assert len(found) == 25
    for record in written:
        row = found[record["interaction_id"]]
        for path, value in leaves(record):
            assert same(value, row[path]), path
        assert json.loads(row["experiment_arms"]) == record["experiments"]
    outcomes = by_id(lake.records("processed/outcomes/bucket"))
    opinions = by_id(lake.records("processed/feedback/bucket"))
    assert outcomes.keys() == opinions.keys() == found.keys()
    for record in written:
        name = record["interaction_id"]
        for block, rows in (("outcomes", outcomes), ("feedback", opinions)):
            for field, value in record[block].items():
                assert rows[name][field] == value
    labelled, _ = lake.label()
    assert (labelled.labelled, labelled.unlabelled, labelled.orphans) == (0, 25, 0)


LATE = {
    "the whole record in another day's folder": (lambda n: later(n, deal_closed=True), 20, ""),
    "only the outcomes": (
        lambda n: part(n, deal_closed=True),
        20,
        "",
    ),
    "a batch of the same day": (
        lambda n: later(n, deal_closed=True),
        0,
        "interactions_20240105_180000.json",
    ),
    "in place of the first": (lambda n: later(n, deal_closed=True), 0, "in place"),
}


CASES = [*((how, "in order") for how in LATE)]
CASES += [
    ("the whole record in another day's folder", order) for order in ("out of order", "twice")
]


@pytest.mark.parametrize(("how", "order"), CASES)
def test_late_outcomes_update_their_record_and_label_it(new_lake, how, order):
    make, day, name = LATE[how]
    lake = new_lake()
    put(lake, interaction(2))
    acts = [
        lambda: put(lake, interaction(1)),
        lambda: put(lake, make(1), day, "" if name == "in place" else name),
    ]
    if order == "out of order":
        acts.reverse()
    if order == "twice":
        acts.append(lambda: put(lake, make(1), day + 1))
    for act in acts:
        act()
        lake.everything()
    (row,) = [
        r for r in lake.records("training-data/labeled/").values() if r["user_id"] == "user-1"
    ]
    first = interaction(1)
    assert row["outcome.deal_closed"] is row["outcomes.deal_closed"] is True
    score = first["outcomes"]["match_score"]
    assert row["outcome.match_score"] == row["outcomes.match_score"] == score
    for path, value in leaves(first):
        if path != "outcomes.deal_closed":
            assert same(value, row[path]), path
    assert len(lake.records("processed/conversations/bucket")) == 2
    assert len(lake.records("training-data/unlabeled/")) == 1


SMALL = contract_of(
    document(
        [
            {"name": "interaction_id", "logicalType": "string", "required": True},
            {"name": "user_id", "logicalType": "string"},
            {"name": "updated_at", "logicalType": "timestamp"},
            {"name": "timestamp", "logicalType": "timestamp"},
            {"name": "deal_closed", "logicalType": "boolean"},
            {"name": "deal_value", "logicalType": "number"},
        ],
        custom=[
            {"property": "recordKey", "value": ["interaction_id"]},
            {"property": "recordVersions", "value": "merge"},
            {"property": "eventTime", "value": ["updated_at", "timestamp"]},
        ],
    ),
    "things",
    "test",
)


def good_row(number, day, place, **said):
    """A good row of an interaction on its way to curation."""
    base = dict.fromkeys(versions_schema(SMALL).names) | {"interaction_id": f"{number}"}
    return base | {"_day": FIRST + timedelta(days=day), "_written": place} | said


VERSION = st.builds(
    lambda number, day, place, said: good_row(number, day, f"{place}.json#1", **said),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from("ab"),
    st.fixed_dictionaries(
        {},
        optional={
            "user_id": st.sampled_from("uv"),
            "updated_at": st.sampled_from([START, START + timedelta(days=2)]),
            "timestamp": st.sampled_from([START, START + timedelta(hours=1)]),
            "deal_closed": st.sampled_from([True, False, None]),
            "deal_value": st.sampled_from([0.0, 5e3, None]),
        },
    ),
)


class Shelf:
    """Partitions in memory."""

    def __init__(self):
        self.bodies = {}

    def fold(self, rows):
        table = pa.Table.from_pylist(rows, schema=versions_schema(SMALL))
        return fold_versions(SMALL, [table], self.read, self.bodies.__setitem__)

    def read(self, name):
        body = self.bodies.get(name)
        return None if body is None else pq.read_table(pa.BufferReader(body))

    def records(self):
        tables = [records(self.read(name), SMALL) for name in self.bodies]
        return {row["interaction_id"]: row for table in tables for row in table.to_pylist()}


def order_of(row):
    end = datetime.combine(row["_day"], datetime.max.time(), UTC)
    moment = row["timestamp"] or datetime.min.replace(tzinfo=UTC)
    return (row["updated_at"] or end, moment, row["_written"])


@settings(max_examples=20, deadline=None)
@given(st.lists(VERSION, min_size=1, max_size=8), st.randoms())
def test_versions_in_any_order_and_any_number_of_times_give_the_same_records(rows, random):
    shelf, other = Shelf(), Shelf()
    folded = shelf.fold(rows)
    names = {row["interaction_id"] for row in rows}
    assert (folded.rows_in, folded.rows_new) == (len(rows), len(names))
    again = rows + random.sample(rows, random.randint(0, len(rows)))
    random.shuffle(again)
    for one in again:
        folded = other.fold([one])
        assert folded.rows_new + folded.rows_superseding + folded.rows_superseded == 1
    assert other.bodies == shelf.bodies
    found = shelf.records()
    assert found.keys() == names
    for name, record in found.items():
        own = [row for row in rows if row["interaction_id"] == name]
        for field in ("user_id", "timestamp", "deal_closed", "deal_value"):
            said = [row for row in own if row[field] is not None]
            newest = max(map(order_of, said), default=None)
            values = {row[field] for row in said if order_of(row) == newest} or {None}
            assert record[field] in values, field


def test_within_a_day_the_later_timestamp_counts_then_the_file_that_sorts_last(new_lake):
    lake = new_lake()
    again = later(1, deal_value=3) | {"timestamp": "2024-01-05T23:00:00.000Z"}
    put(lake, again, 0, "a.json")
    put(lake, later(1, deal_value=2), 0, "interactions_20240105_100000.json")
    put(lake, later(1, deal_value=1), 0, "interactions_20240105_090000.json")
    put(lake, later(2, deal_value=1), 0, "interactions_20240105_090001.json")
    put(lake, later(2, deal_value=2), 0, "interactions_20240105_100001.json")
    lake.everything()
    rows = lake.records("processed/outcomes/bucket").values()
    assert sorted(row["deal_value"] for row in rows) == [2, 3]


def test_an_update_waits_for_its_record_and_a_zero_or_false_is_a_value(new_lake):
    lake = new_lake()
    put(lake, part(1, deal_closed=False, deal_value=0), 3)
    lake.curate(TALKS)
    assert assemble(Curation(lake.bucket, TALKS)).waiting == 1
    assert not lake.records("processed/conversations/bucket")
    assert lake.everything()[0].orphans == 1
    put(lake, interaction(1), 0)
    found, _ = lake.everything()
    assert (found.labelled, found.unlabelled, found.orphans) == (1, 0, 0)
    assert assemble(Curation(lake.bucket, TALKS)).waiting == 0
    (row,) = lake.records("training-data/labeled/").values()
    assert (row["outcome.deal_closed"], row["outcome.deal_value"]) == (False, 0)


def test_files_of_every_shape_and_records_at_the_edges_are_good(new_lake):
    lake = new_lake()
    bare = {"ai_conversation": ..., "outcomes": ..., "feedback": ..., "metadata": ...}
    put(lake, interaction(1, **bare, experiments=...))
    put(lake, interaction(2, **dict.fromkeys(bare), experiments=None))
    put(lake, interaction(3, surprise={"a": [1, None]}, experiments={"ui_variant": None}))
    put(lake, json.dumps(interaction(4), indent=2).encode(), 0, f"{UUID(int=4)}.json")
    array = json.dumps([interaction(n) for n in (5, 6)], ensure_ascii=False)
    put(lake, array.encode(), 0, "interactions_20240105_120000.json")
    lines = "".join(f"{json.dumps(interaction(n))}\n" for n in (7, 8))
    put(lake, lines.encode(), 0, "interactions_20240105_130000.json")
    many = [{"role": "user", "content": "x" * 200, "tokens": None}] * 20_000
    put(lake, interaction(9, ai_conversation={"messages": many, "cost": 0}))
    put(lake, interaction(10, user_id="日本語-🏠", metadata={"location": None}))
    put(lake, interaction(11, user_type="robot"))
    folded = lake.curate(TALKS)
    assert (folded.rows_in, folded.rows_new) == (10, 10), "one of an unknown user type is set aside"
    lake.curate(RESULTS)
    lake.curate(OPINIONS)
    found = {row["user_id"]: row for row in lake.records("processed/conversations/bucket").values()}
    assert len(found) == 10
    assert "日本語-🏠" in found
    assert len(json.loads(found["user-9"]["ai_conversation.messages"])) == 20_000
    assert len(lake.records("processed/outcomes/bucket")) == 8, "two say nothing of outcomes"


def test_records_of_the_former_shape_and_files_of_outcomes_live_beside_them(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(1), talk(2, outcomes={"deal_value_usd": 7.0})])
    put(lake, interaction(100), 0)
    lake.put("outcomes-a", [result(1, deal_value_usd=9.0)])
    lake.put("feedback-a", [opinion(1, comment="slow")])
    lake.curate(TALKS)
    lake.curate(OPINIONS)
    found, _ = (lake.curate(RESULTS), lake.label())[1]
    assert (found.labelled, found.unlabelled, found.orphans) == (2, 1, 0)
    labelled = lake.records("training-data/labeled/")
    assert {n: row["outcome.deal_value"] for n, row in labelled.items()} == {1: 9.0, 2: 7.0}
    assert labelled[1]["timestamp"] == datetime.fromisoformat(talk(1)["started_at"])
    assert json.loads(labelled[1]["ai_conversation.messages"])[0]["content"] == "hi"
    assert lake.records("processed/feedback/bucket")[1]["comments"] == "slow"


def test_what_vanishes_from_the_lake_vanishes_from_all_three_folders(new_lake):
    lake = new_lake()
    put(lake, interaction(1))
    key = put(lake, later(2, deal_closed=True))
    assert lake.everything()[0].labelled == 1
    lake.s3.delete_object(Bucket=lake.bucket, Key=key)
    found, _ = lake.everything()
    assert (found.labelled, found.unlabelled, found.orphans) == (0, 1, 0)
    assert len(lake.records("processed/outcomes/bucket")) == 1


def test_names_of_other_data_sets_are_not_read_as_interactions():
    day = "raw/year=2024/month=1/day=5/"
    assert TALKS.owns(f"{day}{UUID(int=5)}.json")
    assert TALKS.owns(f"{day}interactions_20240105_120000.json")
    assert not TALKS.owns(f"{day}outcomes_20240105.json")
    assert not TALKS.owns(f"{day}feedback-1.jsonl")


def test_a_snapshots_versions_are_one_row_a_record_to_learn_from(new_lake):
    lake = new_lake()
    for number in range(25):
        put(lake, interaction(number))
    put(lake, part(1, partner_matched=True, deal_closed=True), 9)
    put(lake, part(99, deal_closed=True), 9)
    put(lake, later(3, deal_closed=False), 5)
    pinned = take_snapshot(
        lake.s3, TALKS.dataset, lake.bucket, TALKS.location_prefix, owns=TALKS.owns
    )
    paths = pull(lake.s3, pinned, lake.folder / "cache", reserve_gb=0)
    work = lake.folder / "whole"
    report = check_contract.fn(TALKS, pinned, paths, work, LocalReader(), docs=False, as_of=FIRST)
    report.require_pass()
    data = ValidatedData(
        snapshot=pinned, address="", contract=TALKS.dataset, contract_version=TALKS.version,
        kinds={}, drift_policy={}, good=work / "good", work=work,
    )  # fmt: skip
    found = gather_records.fn(TALKS, data)
    assert found.good == data.good
    files = found.records.glob("*.parquet")
    rows = {row["user_id"]: row for file in files for row in pq.read_table(file).to_pylist()}
    assert len(rows) == 25, "a part whose record never came is none"
    assert {row["_day"] for row in rows.values()} == {FIRST}
    assert rows["user-1"]["outcomes.partner_matched"] is True
    assert rows["user-1"]["outcomes.deal_closed"] is True
    assert rows["user-3"]["outcomes.deal_closed"] is False
    assert rows["user-5"]["outcomes.deal_closed"] is None
    plain = TALKS.model_copy(update={"merges": False})
    assert gather_records.fn(plain, data) is data

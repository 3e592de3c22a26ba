from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.contracts.curation.curate import (
    CurationState,
    curated_schema,
    fold,
    labelled,
    plan,
    resolve,
)
from tasks.contracts.curation.partitions import Curation
from tasks.contracts.odcs import contract_of
from tasks.values import LakeObject, Snapshot
from tests.tasks.contracts.conftest import document

START = datetime(2026, 1, 1, tzinfo=UTC)
PROPERTIES = [
    {"name": "id", "logicalType": "string", "required": True},
    {"name": "began", "logicalType": "date", "required": True},
    {"name": "at", "logicalType": "timestamp", "required": True},
    {"name": "score", "logicalType": "number"},
]
VERSIONS = [
    {"property": "recordKey", "value": ["id"]},
    {"property": "eventTime", "value": "at"},
]
BY_DAY = contract_of(
    document(PROPERTIES, custom=[*VERSIONS, {"property": "recordDay", "value": "began"}]),
    "things",
    "test",
)
BY_KEY = contract_of(document(PROPERTIES, custom=VERSIONS), "things", "test")


def rows(records, day=date(2026, 1, 1)):
    """(id, hour of the version, score) → a table of good rows."""
    listed = [
        {
            "id": name,
            "began": date(2026, 1, 1 + ord(name) % 3),
            "at": START + timedelta(hours=hour),
            "score": score,
            "_day": day,
        }
        for name, hour, score in records
    ]
    return pa.Table.from_pylist(listed, schema=curated_schema(BY_DAY))


RECORD = st.tuples(
    st.sampled_from("abcde"), st.integers(0, 4), st.one_of(st.none(), st.sampled_from([0.0, 0.5]))
)
DAYS = st.dates(date(2026, 1, 1), date(2026, 2, 1))
CHUNK = st.tuples(st.lists(RECORD, min_size=1, max_size=8), DAYS)
CONTRACTS = st.sampled_from([BY_DAY, BY_KEY])


class Shelf:
    """Curated partitions in memory."""

    def __init__(self):
        self.bodies = {}
        self.writes = 0

    def fold(self, contract, tables):
        def read(name):
            found = self.bodies.get(name)
            return None if found is None else pq.read_table(pa.BufferReader(found))

        def write(name, body):
            self.writes += 1
            self.bodies[name] = body

        return fold(contract, tables, read, write)


@settings(max_examples=20, deadline=None)
@given(CONTRACTS, st.lists(CHUNK, min_size=1, max_size=5), st.randoms())
def test_any_order_and_any_repetition_give_what_one_pass_gives(contract, chunks, random):
    tables = [rows(records, day) for records, day in chunks]
    once = Shelf()
    once.fold(contract, tables)
    shuffled = tables + random.sample(tables, random.randint(0, len(tables)))
    random.shuffle(shuffled)
    bit_by_bit = Shelf()
    for table in shuffled:
        bit_by_bit.fold(contract, [table])
    assert bit_by_bit.bodies == once.bodies


@settings(max_examples=15, deadline=None)
@given(CONTRACTS, st.lists(CHUNK, min_size=1, max_size=4))
def test_a_record_is_there_once_in_its_newest_version_and_the_counts_add_up(contract, chunks):
    shelf, newest = Shelf(), {}
    for records, day in chunks:
        folded = shelf.fold(contract, [rows(records, day)])
        parts = folded.rows_new + folded.rows_superseding + folded.rows_superseded
        assert folded.rows_in == len(records) == parts
        assert min(folded.rows_new, folded.rows_superseding, folded.rows_superseded) >= 0
        for name, hour, _ in records:
            newest[name] = max(hour, newest.get(name, 0))
    stored = [pq.read_table(pa.BufferReader(body)) for body in shelf.bodies.values()]
    kept = pa.concat_tables(stored).to_pylist()
    assert {row["id"]: row["at"] for row in kept} == {
        name: START + timedelta(hours=hour) for name, hour in newest.items()
    }
    assert len(kept) == len(newest)


def test_folding_the_same_rows_again_writes_nothing():
    shelf = Shelf()
    shelf.fold(BY_DAY, [rows([("a", 1, 0.5), ("b", 1, None)])])
    writes = shelf.writes
    again = shelf.fold(BY_DAY, [rows([("a", 1, 0.5), ("b", 1, None)])])
    assert shelf.writes == writes
    assert (again.rows_new, again.rows_superseding, again.rows_superseded) == (0, 0, 2)


def test_an_outcome_that_arrives_weeks_later_updates_its_record_in_place():
    shelf = Shelf()
    shelf.fold(BY_DAY, [rows([("a", 0, None)], date(2026, 1, 1))])
    late = shelf.fold(BY_DAY, [rows([("a", 900, 0.5)], date(2026, 2, 7))])
    assert (late.rows_new, late.rows_superseding) == (0, 1)
    (name, body), = shelf.bodies.items()  # fmt: skip
    assert name == "year=2026/month=01/day=02"
    assert pq.read_table(pa.BufferReader(body))["score"].to_pylist() == [0.5]


def snapshot(**etags):
    day = date(2026, 1, 1)
    listed = tuple(
        LakeObject(key=f"raw/{key}", version_id="v", etag=etag, size=1, day=day)
        for key, etag in etags.items()
    )
    return Snapshot(
        dataset="things", bucket="lake", start=day, end=day, objects=listed, fingerprint="f"
    )


def state(version="1.0.0", **etags):
    folded = {f"raw/{key}": etag for key, etag in etags.items()}
    return CurationState(dataset="things", contract_version=version, folded=folded)


@pytest.mark.parametrize(
    ("known", "keys", "rebuild", "said"),
    [
        (None, ("raw/a", "raw/b"), False, "nothing is curated"),
        (state(a="1"), ("raw/b",), False, "1 new"),
        (state(a="1", b="2"), (), False, "nothing is new"),
        (state(a="0", b="2"), ("raw/a", "raw/b"), True, "replaced or removed"),
        (state(a="1", b="2", c="3"), ("raw/a", "raw/b"), True, "replaced or removed"),
        (state("0.9.0", a="1", b="2"), ("raw/a", "raw/b"), True, "0.9.0 became 1.0.0"),
    ],
)
def test_only_what_is_new_is_folded_unless_the_past_changed(known, keys, rebuild, said):
    chosen = plan(known, snapshot(a="1", b="2"), BY_DAY)
    assert (chosen.sources, chosen.rebuild) == (keys, rebuild)
    assert said in chosen.reason


def test_records_with_an_outcome_are_labelled_and_the_others_are_not():
    records = resolve([rows([("a", 0, 0.1), ("b", 0, 0.2)])], BY_DAY)
    outcomes = pa.table({"id": ["b", "z"], "booked": [True, False], "_day": [date(2026, 3, 1)] * 2})
    with_label, without = labelled(records, outcomes, ["id"])
    assert with_label["id"].to_pylist() == ["b"]
    assert with_label["outcome.booked"].to_pylist() == [True]
    assert without["id"].to_pylist() == ["a"]
    assert without.schema.names == records.schema.names


@pytest.fixture
def bucket(aws_environment, request):
    from tasks.aws import client

    name = request.node.name.replace("_", "-")[:50].rstrip("-")
    client("s3").create_bucket(Bucket=name)
    return name


def good(tmp_path, name, table):
    pq.write_table(table, tmp_path / name)
    return tmp_path / name


def test_the_lake_remembers_what_was_folded_and_forgets_it_on_a_rebuild(bucket, tmp_path):
    side = Curation(bucket, BY_DAY)
    first = snapshot(a="1")
    side.apply(plan(None, first, BY_DAY), side.state(), first,
               [good(tmp_path, "a", rows([("a", 0, 0.1), ("b", 0, 0.1)]))])  # fmt: skip
    both = snapshot(a="1", b="1")
    chosen = plan(side.state(), both, BY_DAY)
    assert chosen.sources == ("raw/b",)
    side.apply(chosen, side.state(), both, [good(tmp_path, "b", rows([("a", 3, 0.9)]))])
    names = sorted(side.state().partitions)
    assert names == ["year=2026/month=01/day=02", "year=2026/month=01/day=03"]
    assert side.partition(names[0])["score"].to_pylist() == [0.9]
    assert plan(side.state(), both, BY_DAY).sources == ()

    replaced = snapshot(a="2")
    chosen = plan(side.state(), replaced, BY_DAY)
    assert chosen.rebuild
    side.apply(chosen, side.state(), replaced, [good(tmp_path, "c", rows([("a", 1, 0.2)]))])
    assert list(side.state().partitions) == names[:1]
    assert side.partition(names[0])["score"].to_pylist() == [0.2]
    assert side.partition(names[1]) is None

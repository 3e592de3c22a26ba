"""A record's key that was used again, for another record."""

import pyarrow as pa
import pytest

from tasks.contracts.curation.assembly import assemble
from tasks.contracts.curation.merging import several, together, versions_schema
from tasks.contracts.curation.partitions import Curation
from tests.tasks.contracts.curation.interactions import interaction
from tests.tasks.contracts.curation.test_curation import TALKS, new_lake
from tests.tasks.contracts.curation.test_interactions import SMALL, Shelf, good_row, put

pytestmark = pytest.mark.seconds(20)

__all__ = ["new_lake"]


def test_a_key_that_was_used_again_is_put_together_for_neither():
    same = SMALL.model_copy(update={"record_same": ("user_id", "deal_value")})
    rows = {
        1: [{"user_id": "u"}, {"user_id": None, "deal_closed": True}, {"user_id": "u"}],
        2: [{"user_id": "u"}, {"user_id": "v", "deal_closed": True}],
        3: [{"user_id": None, "deal_value": 1.0}, {"deal_value": 2.0}, {"user_id": "u"}],
        4: [{"deal_closed": False}],
        5: [{"user_id": "v"}],
    }
    shelf = Shelf()
    for number, versions in rows.items():
        shelf.fold([good_row(number, day, f"{day}#1", **said) for day, said in enumerate(versions)])
    for contract, wanted, reused in ((same, "145", 2), (SMALL, "12345", 0)):
        found = [together(shelf.read(name), contract) for name in shelf.bodies]
        names = [row["interaction_id"] for table, _, _ in found for row in table.to_pylist()]
        assert sorted(names) == list(wanted)
        assert sum(counts[2] for counts in found) == reused
    none = pa.Table.from_pylist([], schema=versions_schema(same))
    assert together(none, same)[1:] == (0, 0)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (pa.int64(), 2**53, 2**53 + 1),
        (pa.int64(), -(2**63), -(2**63) + 1),
        (pa.float64(), 0.5, 1.5),
        (pa.bool_(), True, False),
        (pa.string(), "", "x"),
        (pa.timestamp("us", tz="UTC"), 2**53, 2**53 + 1),
        (pa.date32(), 1, 2),
    ],
)
def test_what_differs_between_versions_differs_exactly_whatever_has_none(kind, one, other):
    same = SMALL.model_copy(update={"record_same": ("user_id",)})
    told = {"a": (one, other), "b": (one, None), "c": (None, other), "d": (None, None),
            "e": (other, other), "f": (other, None, one)}  # fmt: skip
    pairs = [(name, value) for name, values in told.items() for value in values]
    halves = [pairs[:5], pairs[5:]]
    columns = {
        "interaction_id": pa.chunked_array([[name for name, _ in half] for half in halves]),
        "user_id": pa.chunked_array(
            [pa.array([value for _, value in half], kind) for half in halves]
        ),
    }
    assert several(pa.table(columns), same).tolist() == [True, *[False] * 4, True]


def test_nought_is_nought_with_either_sign():
    same = SMALL.model_copy(update={"record_same": ("deal_value",)})
    table = pa.table({"interaction_id": ["a", "a"], "deal_value": [0.0, -0.0]})
    assert several(table, same).tolist() == [False]


def test_an_id_that_another_user_bears_as_well_mixes_no_two_users(new_lake):
    lake = new_lake()
    put(lake, interaction(1))
    put(lake, interaction(2))
    theirs = interaction(3) | {"interaction_id": interaction(1)["interaction_id"]}
    put(lake, {**theirs, "feedback": None, "metadata": None}, 20)
    lake.everything()
    found = lake.records("processed/conversations/bucket")
    assert [row["user_id"] for row in found.values()] == ["user-2"]
    told = assemble(Curation(lake.bucket, TALKS))
    assert (told.complete, told.waiting, told.reused) == (1, 0, 1), "told in each run"
    lake.s3.delete_object(
        Bucket=lake.bucket, Key=f"raw/year=2024/month=1/day=25/{theirs['interaction_id']}.json"
    )
    lake.everything()
    users = [row["user_id"] for row in lake.records("processed/conversations/bucket").values()]
    assert sorted(users) == ["user-1", "user-2"], "nothing was lost"

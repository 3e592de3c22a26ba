"""What a contract says of records that change: read, or refused with the key and the value."""

from typing import Any

import pytest

from tasks.contracts.model import Column
from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.records import records_of

COLUMNS = (
    Column(name="id", type="string", required=True),
    Column(name="at", type="timestamp", required=True),
    Column(name="seen", type="timestamp"),
    Column(name="day", type="date"),
)
MERGING = {"recordVersions": "merge", "recordKey": "id", "eventTime": ["at", "seen"]}


def test_a_contract_that_says_nothing_keeps_its_records_as_they_come() -> None:
    read = records_of({}, "bookings", COLUMNS)
    assert read["merges"] is False
    assert read["processed_prefix"] == "processed/bookings/"
    assert read["training_prefix"] == "training-data/bookings/"


def test_versions_are_merged_by_key_in_the_order_of_two_times() -> None:
    embedded = {"dataset": "interactions", "field": "outcomes"}
    read = records_of(
        {**MERGING, "recordRequires": ["at"], "recordSame": "day", "embeddedIn": embedded},
        "bookings",
        COLUMNS,
    )
    assert (read["key"], read["event_time"], read["then_by"]) == (("id",), "at", "seen")
    assert read["merges"]
    assert read["record_requires"] == ("at",)
    assert read["record_same"] == ("day",)
    assert (read["embedded_in"].dataset, read["embedded_in"].field) == ("interactions", "outcomes")


@pytest.mark.parametrize(
    ("custom", "words"),
    [
        ({"eventTime": ["at", "seen", "day"]}, "eventTime names 3 columns"),
        ({"recordDay": "day"}, "recordDay names 'day', which may be missing"),
        ({"recordVersions": "append"}, "recordVersions is 'append', not one of replace, merge"),
        ({"recordVersions": "merge"}, "needs a recordKey"),
        ({**MERGING, "recordDay": "at"}, "no recordDay: it may come later"),
        ({"recordRequires": "at"}, "need recordVersions: merge"),
        ({"recordSame": "at"}, "need recordVersions: merge"),
        ({**MERGING, "recordSame": "user"}, "recordSame names 'user', which is not a column"),
        ({"eventTime": ["at", "seen"]}, "need recordVersions: merge"),
        ({"recordKey": 5}, "recordKey is 5, not names of columns"),
        ({"recordKey": "nobody"}, "recordKey names 'nobody', which is not a column"),
        ({**MERGING, "embeddedIn": {"dataset": "x"}}, "embeddedIn is {'dataset': 'x'}"),
        ({**MERGING, "embeddedIn": "x"}, "embeddedIn is 'x'"),
    ],
)
def test_what_names_no_columns_or_does_not_go_together_is_refused(
    custom: dict[str, Any], words: str
) -> None:
    with pytest.raises(Fault) as refused:
        records_of(custom, "bookings", COLUMNS)
    assert words in str(refused.value)

"""Whatever stands where a record should: one error, with the record's name and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.curation.partitions import CurationState
from tasks.drift.alarms.watch import LastWatch
from tasks.errors import BundleCorrupt, RecordUnreadable
from tasks.experiments.plan import Assignment
from tasks.experiments.store import Dossier
from tasks.registry.candidate import CandidateHistory
from tasks.release.journal.record import Journal
from tasks.stored import parsed
from tasks.uploads.inbox import Open, Outcome
from tasks.values import Manifest, Pointer, Snapshot

FORMS = (
    *(Assignment, CandidateHistory, CurationState, Dossier, Journal, LastWatch, Manifest, Open),
    *(Outcome, Pointer, Snapshot),
)
NAME = "s3://bucket/key.json"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@given(body=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_bytes_of_chance_are_one_error(form: type, body: bytes) -> None:
    with pytest.raises(RecordUnreadable) as told:
        parsed(form, body, NAME)
    assert told.value.what.startswith(f"{NAME} does not parse: ")
    assert told.value.next_step.startswith("Restore the object's earlier version")


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"a": 1}', b"[" * 100_000, b"\xff", b'{"model": NaN}']
)
def test_what_is_no_record_names_what_is_wrong(form: type, body: bytes) -> None:
    with pytest.raises(RecordUnreadable, match=r"does not parse: \S.*: .*\. Next: Restore"):
        parsed(form, body, NAME)


def test_a_room_may_have_an_error_of_its_own() -> None:
    with pytest.raises(BundleCorrupt, match=r"latest\.json does not parse: the whole: .*Retrain"):
        parsed(Pointer, b"{", "latest.json", BundleCorrupt, "Retrain.")

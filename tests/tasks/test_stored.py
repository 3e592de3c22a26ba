"""Whatever stands where a record should: one error, with the record's name and what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.contracts.curation.partitions import CurationState
from tasks.drift.alarms.watch import LastWatch
from tasks.errors import BundleCorrupt, RecordUnreadable
from tasks.experiments.plan import Assignment
from tasks.experiments.store import Dossier
from tasks.registry.candidate import CandidateHistory
from tasks.release.journal.record import Journal
from tasks.stored import opened, parsed, written
from tasks.uploads.inbox import Open, Outcome
from tasks.values import Manifest, Pointer, Rollout, Seal, Snapshot

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
    assert told.value.what.startswith((f"{NAME} does not parse: ", f"{NAME} is damaged: "))
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


POINTER = Pointer(
    model="rooms", version="v20260101_020000", timestamp="2026-01-01T02:00:00.000+00:00",
    previous="v20251201_020000", actor="ann", reason="Größer", manifest=Seal(sha256="a" * 64),
    rollout=Rollout(version="v20260102_020000", percent=30, salt="r1"),
)  # fmt: skip


@pytest.mark.parametrize("indent", [None, 1, 2])
def test_what_is_written_is_read_as_it_was(indent: int | None) -> None:
    assert parsed(Pointer, written(POINTER, indent), NAME) == POINTER
    assert json.loads(written(POINTER, indent))["version"] == POINTER.version, "it is JSON still"


def test_what_was_written_without_a_digest_is_read_too() -> None:
    assert parsed(Pointer, POINTER.model_dump_json(), NAME) == POINTER


@pytest.mark.parametrize("indent", [None, 2])
def test_no_flipped_bit_is_read(indent: int | None) -> None:
    body = written(POINTER, indent)
    for at in range(len(body)):
        for bit in range(8):
            flipped = bytearray(body)
            flipped[at] ^= 1 << bit
            with pytest.raises(RecordUnreadable, match=r"is damaged|does not parse"):
                parsed(Pointer, bytes(flipped), NAME)


@given(at=st.integers(0), instead=st.binary(max_size=3), taken=st.integers(0, 3))
def test_no_other_damage_is_read(at: int, instead: bytes, taken: int) -> None:
    body = written(POINTER)
    at %= len(body)
    damaged = body[:at] + instead + body[at + taken :]
    assume(damaged != body)
    with pytest.raises(RecordUnreadable):
        parsed(Pointer, damaged, NAME)


def test_a_part_of_it_is_not_read() -> None:
    body = written(POINTER)
    for end in range(len(body)):
        with pytest.raises(RecordUnreadable):
            parsed(Pointer, body[:end], NAME)


def test_half_a_digest_is_no_digest() -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        opened(b'{"sha256":"abc","model":"rooms"}')

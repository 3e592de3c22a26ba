"""The law of payloads: nothing is lost, nothing is added, and none is larger than it may be."""

import gzip
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.transform.parameters import MULTI_RECORD, SINGLE_RECORD, Parameters
from embedded_aws.transform.payloads import (
    PayloadError,
    assembled,
    batches,
    payloads,
    records,
    whole,
)

BODIES = st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\n\n", b"bc", b"\xff"])).map(b"".join)


def lengths(body):
    return [len(line) for line in io.BytesIO(body)]


@given(BODIES, st.integers(0, 20))
def test_batches_together_are_the_input_and_none_exceeds_the_payload(body, room):
    limit = max([1, *lengths(body)]) + room
    made = list(batches(records(io.BytesIO(body), limit), limit))
    assert b"".join(made) == body
    assert all(0 < len(batch) <= limit for batch in made)
    # As many as fit: what comes first of a batch had no room in the one before.
    for one, following in itertools.pairwise(made):
        assert len(one) + len(io.BytesIO(following).readline()) > limit
    # Records stay whole: only the last may lack its line end.
    assert all(batch.endswith(b"\n") for batch in made[:-1])


@given(BODIES, st.integers(0, 20))
def test_records_are_lines_with_their_ends(body, room):
    limit = max([1, *lengths(body)]) + room
    made = list(records(io.BytesIO(body), limit))
    assert b"".join(made) == body
    assert all(record.count(b"\n") == record.endswith(b"\n") for record in made)
    assert all(record.endswith(b"\n") for record in made[:-1])


@given(st.lists(st.integers(0, 4), max_size=5), st.integers(6, 40), st.booleans())
def test_a_record_that_is_larger_than_a_payload_fails_by_its_number(before, size, ended):
    small = b"".join(b"x" * length + b"\n" for length in before)
    body = small + b"y" * (size - ended) + b"\n" * ended
    sent = []
    with pytest.raises(PayloadError, match=rf"^record {len(before) + 1} has more than 5 bytes"):
        sent.extend(records(io.BytesIO(body), 5))
    assert list(records(io.BytesIO(body), size)) == [*io.BytesIO(body)]


def test_a_record_as_large_as_a_payload_fits():
    assert list(records(io.BytesIO(b"1234\n12345"), 5)) == [b"1234\n", b"12345"]
    assert list(batches([b"12\n", b"12", b"345"], 5)) == [b"12\n12", b"345"]


def test_an_object_that_is_not_split_is_one_payload_or_none():
    assert whole(io.BytesIO(b"12345"), 5) == b"12345"
    assert whole(io.BytesIO(b""), 5) == b""
    with pytest.raises(PayloadError, match="the object, which is not split, has more than 4 bytes"):
        whole(io.BytesIO(b"12345"), 4)


@pytest.mark.parametrize(
    ("strategy", "split", "made"),
    [
        (MULTI_RECORD, "Line", [b"a\nb\n"]),
        (SINGLE_RECORD, "Line", [b"a\n", b"b\n"]),
        (SINGLE_RECORD, "None", [b"a\nb\n"]),
    ],
)
@pytest.mark.parametrize("compression", ["None", "Gzip"])
def test_an_object_comes_in_the_payloads_that_are_asked_for(
    tmp_path, strategy, split, made, compression
):
    path = tmp_path / "object"
    path.write_bytes(gzip.compress(b"a\nb\n", mtime=0) if compression == "Gzip" else b"a\nb\n")
    asked = Parameters(strategy=strategy)
    assert list(payloads(path, asked, compression=compression, split=split)) == made


@pytest.mark.parametrize(
    "body",
    [b"plain text", gzip.compress(b"a\n" * 1000, mtime=0)[:-20]],
    ids=["no archive", "cut off"],
)
def test_a_damaged_archive_says_so(tmp_path, body):
    path = tmp_path / "object"
    path.write_bytes(body)
    with pytest.raises(PayloadError, match="no readable gzip file"):
        list(payloads(path, Parameters(), compression="Gzip", split="Line"))


@given(BODIES)
def test_an_answer_by_line_ends_with_one_line_end_more_at_most(answer):
    assert assembled(answer, "None") == answer
    by_line = assembled(answer, "Line")
    assert by_line.endswith(b"\n")
    assert by_line == answer or by_line == answer + b"\n"
    assert assembled(by_line, "Line") == by_line

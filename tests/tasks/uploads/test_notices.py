import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.uploads.inbox import MOST_RUNS, Open, due
from tasks.uploads.notices import Unreadable, Upload, uploads_in


def record(key, event="ObjectCreated:Put"):
    thing = {"bucket": {"name": "b"}, "object": {"key": key, "eTag": "abc", "size": 7}}
    return {"eventName": event, "s3": thing}


def body(*records):
    return json.dumps({"Records": list(records)})


def test_an_artefact_is_told_from_everything_else():
    good = record("models/recommendation/1.2.0-rc%2B1/model.tar.gz")
    others = [
        record("models/recommendation/1.2.0/outcome.json"),
        record("models/recommendation/model.tar.gz"),
        record("recommendation/v20260131_020000/model.tar.gz"),
        record("models/recommendation/1.2.0/model.tar.gz", "ObjectRemoved:Delete"),
    ]
    assert list(uploads_in(body(good, *others), "b")) == [
        Upload(
            model="recommendation",
            version="1.2.0-rc+1",
            bucket="b",
            key="models/recommendation/1.2.0-rc+1/model.tar.gz",
            etag="abc",
            size=7,
        )
    ]


def test_a_topic_between_bucket_and_queue_changes_nothing():
    bare = body(record("models/m/1.0.0/model.tar.gz"))
    enveloped = json.dumps({"Type": "Notification", "Message": bare})
    assert uploads_in(enveloped, "b") == uploads_in(bare, "b")
    assert len(uploads_in(bare, "b")) == 1


def test_s3_tries_a_new_notification_out():
    tried = '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}'
    assert uploads_in(tried, "b") == ()
    assert uploads_in(json.dumps({"Message": tried}), "b") == ()


THING = {"bucket": {"name": "b"}, "object": {"key": "models/m/1.0.0/model.tar.gz", "eTag": "e"}}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("no json", "no JSON"),
        ("[" * 100_000, "no JSON: RecursionError"),
        ("[]", "no JSON object"),
        ("{}", "Records: Field required"),
        ('{"Message": 3}', "no text"),
        (json.dumps({"Message": json.dumps({"Message": "{}"})}), "an envelope in an envelope"),
        ('{"Records": 5}', "Records: "),
        ('{"Records": [5]}', "Records.0: "),
        ('{"Records": [{"eventName": "ObjectCreated:Put", "s3": "x"}]}', "Records.0.s3: "),
        (body({"eventName": "ObjectCreated:Put", "s3": {**THING, "bucket": {}}}), "bucket.name"),
        (body({"eventName": 5, "s3": THING}), "Records.0.eventName"),
        (
            body({"eventName": "ObjectCreated:Put",
                  "s3": {**THING, "object": {**THING["object"], "size": "abc"}}}),
            "Records.0.s3.object.size",
        ),
        (body(record("models/a%0A%00b/1.0.0/model.tar.gz")), "names no model"),
        (body(record("models/../1.0.0/model.tar.gz")), "names no model"),
    ],
)  # fmt: skip
def test_what_is_no_notification_says_why(text, why):
    with pytest.raises(Unreadable, match=re.escape(why)):
        uploads_in(text, "b")


def test_a_message_chooses_no_bucket():
    with pytest.raises(Unreadable, match="the bucket 'b', and ours is 'ours'"):
        uploads_in(body(record("models/m/1.0.0/model.tar.gz")), "ours")
    assert uploads_in(body(record("readme.txt")), "ours") == (), "nor is it a fault of ours"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(("Records", "Message", "eventName", "s3", "bucket", "name", "object",
                         "key", "eTag", "size")),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.text(max_size=40) | JSON.map(json.dumps))
def test_whatever_comes_is_told_or_refused_in_one_way(text):
    with suppress(Unreadable):
        assert all(upload.bucket == "b" for upload in uploads_in(text, "b"))


@pytest.mark.parametrize(
    ("announced", "life", "waited", "wanted"),
    [
        (0, "none", 0.0, "tell"),
        (1, "none", 599.0, "wait"),
        (1, "none", 600.0, "tell"),
        (1, "alive", 9e9, "wait"),
        (1, "over", 0.0, "tell"),
        (1, "cancelled", 0.0, "end"),
        (MOST_RUNS, "over", 0.0, "end"),
        (MOST_RUNS, "alive", 0.0, "wait"),
    ],
)
def test_an_upload_whose_run_died_gets_another_but_not_for_ever(announced, life, waited, wanted):
    [upload] = uploads_in(body(record("models/m/1.0.0/model.tar.gz")), "b")
    known = Open(upload=upload, announced=announced, last=1000.0)
    assert due(known, life, 1000.0 + waited, 600.0) == wanted

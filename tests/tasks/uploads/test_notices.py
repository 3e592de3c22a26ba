import json

import pytest

from tasks.uploads.inbox import MOST_RUNS, Open, due
from tasks.uploads.notices import Upload, uploads_in


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
    assert list(uploads_in(body(good, *others))) == [
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
    assert list(uploads_in(json.dumps({"Type": "Notification", "Message": bare}))) == list(
        uploads_in(bare)
    )


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"Event": "s3:TestEvent"}', '{"Message": 3}']
)
def test_what_is_no_notification_tells_of_nothing(text):
    assert list(uploads_in(text)) == []


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
    upload = next(uploads_in(body(record("models/m/1.0.0/model.tar.gz"))))
    known = Open(upload=upload, announced=announced, last=1000.0)
    assert due(known, life, 1000.0 + waited, 600.0) == wanted

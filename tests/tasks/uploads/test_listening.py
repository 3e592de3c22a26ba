"""S3 tells the queue, the queue becomes one announcement: also when something dies in between."""

import itertools
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tasks.clock import ScaledClock
from tasks.uploads.inbox import Inbox
from tasks.uploads.listening import Listener

MODELS = (f"model-{number}" for number in itertools.count())


class Died(Exception):
    """A process ends here."""


@pytest.fixture
def inbox(aws, uploads):
    """A listener whose announcements are written down, and a model of this test's own."""
    clock = SimpleNamespace(at=1000.0, now=lambda: clock.at)
    told, lives, given_up = [], {}, []
    box = Inbox("sluice-models", clock)
    listener = Listener(
        box,
        lambda upload, event: told.append((upload.model, upload.version, upload.etag, event)),
        lambda run: lives.get(run, ("over", "it fell")),
        lambda upload, why: (given_up.append(why), box.settle(upload, "given_up", why)),
    )
    model, s3 = next(MODELS), aws.client("s3")

    def put(version, body=b"one"):
        key = f"models/{model}/{version}/model.tar.gz"
        return s3.put_object(Bucket="sluice-models", Key=key, Body=body)["ETag"].strip('"')

    def in_queue():
        sqs = aws.client("sqs")
        counts = sqs.get_queue_attributes(QueueUrl=uploads, AttributeNames=["All"])["Attributes"]
        return int(counts["ApproximateNumberOfMessages"]) + int(
            counts["ApproximateNumberOfMessagesNotVisible"]
        )

    before = in_queue()  # a test may leave a message that is still invisible

    return SimpleNamespace(
        waiting=lambda: in_queue() - before,
        clock=clock, box=box, listener=listener, told=told, lives=lives, given_up=given_up,
        model=model, put=put, s3=s3, sqs=aws.client("sqs"), url=uploads,
        listen=lambda: listener.listen(uploads),
    )  # fmt: skip


def test_an_upload_is_announced_once_and_its_message_goes(inbox):
    etag = inbox.put("1.2.0")
    assert inbox.waiting() == 1
    inbox.listen()
    inbox.listen()
    assert [call[:3] for call in inbox.told] == [(inbox.model, "1.2.0", etag)]
    assert inbox.waiting() == 0


def test_what_is_no_artefact_is_not_even_told(inbox):
    for name in ("outcome.json", "model.tar", "notes/model.tar.gz.txt"):
        key = f"models/{inbox.model}/1.0.0/{name}"
        inbox.s3.put_object(Bucket="sluice-models", Key=key, Body=b"x")
    assert inbox.waiting() == 0


def test_a_storm_of_events_becomes_one(inbox):
    for _ in range(25):
        inbox.put("1.2.0")
    assert inbox.waiting() == 25
    inbox.listen()
    assert len(inbox.told) == 1
    assert inbox.waiting() == 0


def test_versions_are_announced_each(inbox):
    for version in ("1.2.0", "v20260131_020000"):
        inbox.put(version)
    inbox.listen()
    assert sorted(call[1] for call in inbox.told) == ["1.2.0", "v20260131_020000"]


def test_a_listener_that_dies_before_the_event_loses_nothing(inbox):
    inbox.put("1.2.0")

    def dies(*_):
        raise Died

    with pytest.raises(Died):
        Listener(inbox.box, dies, dies, dies).listen(inbox.url)
    assert inbox.waiting() == 1, "the message must outlive the listener"
    inbox.listen()
    assert len(inbox.told) == 1


def test_a_listener_that_dies_after_the_event_makes_the_same_event_again(inbox):
    inbox.put("1.2.0")

    def tells_and_dies(*call):
        inbox.listener.announce(*call)
        raise Died

    with pytest.raises(Died):
        Listener(inbox.box, tells_and_dies, tells_and_dies, tells_and_dies).listen(inbox.url)
    inbox.listen()
    first, second = inbox.told
    assert first == second, "the server drops a second event with the same id"


def test_an_upload_whose_run_died_is_announced_again_three_times_in_all(inbox):
    etag = inbox.put("1.2.0")
    for number in range(5):
        inbox.listen()
        kept = inbox.box.find(inbox.model, "1.2.0")
        if kept is None:
            break
        inbox.box.change(kept, kept.record.model_copy(update={"run": f"run-{number}"}))
    assert len({call[3] for call in inbox.told}) == 3
    assert inbox.given_up == ["3 runs did not bring it to an end; the last said: it fell"]
    outcome = inbox.box.outcome(inbox.box.standing(inbox.model, "1.2.0"))
    assert (outcome.state, outcome.etag) == ("given_up", etag)


def test_a_run_that_a_person_cancelled_is_not_started_again(inbox):
    inbox.put("1.2.0")
    inbox.listen()
    kept = inbox.box.find(inbox.model, "1.2.0")
    inbox.box.change(kept, kept.record.model_copy(update={"run": "r"}))
    inbox.lives["r"] = ("cancelled", "")
    inbox.listen()
    assert len(inbox.told) == 1
    assert inbox.given_up == ["a person cancelled its run"]


def test_a_settled_artefact_is_not_announced_again_but_a_corrected_one_is(inbox):
    inbox.put("1.2.0", b"bad")
    inbox.listen()
    inbox.box.settle(inbox.box.standing(inbox.model, "1.2.0"), "refused", "no model card")
    inbox.put("1.2.0", b"bad")
    inbox.listen()
    assert len(inbox.told) == 1
    inbox.put("1.2.0", b"good")
    inbox.listen()
    assert len(inbox.told) == 2


def test_other_bytes_wait_while_a_run_deals_with_the_first(inbox):
    inbox.put("1.2.0", b"first")
    inbox.listen()
    kept = inbox.box.find(inbox.model, "1.2.0")
    inbox.box.change(kept, kept.record.model_copy(update={"run": "r"}))
    inbox.lives["r"] = ("alive", "")
    second = inbox.put("1.2.0", b"second")
    inbox.listen()
    assert (len(inbox.told), inbox.waiting()) == (1, 1), "the message stays in the queue"
    inbox.box.settle(kept.record.upload, "refused", "no")
    assert inbox.listener.note(inbox.box.standing(inbox.model, "1.2.0")) == "open"
    inbox.listen()
    assert inbox.told[-1][2] == second


def test_the_patience_lasts_long_enough_for_a_busy_machine():
    from tasks.uploads.listening import patience_on

    assert patience_on(ScaledClock()) == 600.0
    assert patience_on(ScaledClock(scale=60.0)) == 7200.0


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"Records": 5}', '{"Records": [{"eventName": "ObjectCreated:Put"}]}'],
)
def test_a_message_that_cannot_be_read_stops_nobody_and_is_kept(inbox, text):
    alerts = []
    listener = replace(inbox.listener, alert=lambda where, why: alerts.append((where, why)))
    inbox.sqs.send_message(QueueUrl=inbox.url, MessageBody=text)
    inbox.put("1.2.0")
    inbox.sqs.send_message(QueueUrl=inbox.url, MessageBody=text)
    done = listener.listen(inbox.url)
    assert [call[1] for call in inbox.told] == ["1.2.0"]
    assert inbox.waiting() == 0
    assert len(alerts) == 2
    (where, why), _ = alerts
    assert f"a message was put aside at {where}: {why}" in done
    letter = inbox.s3.get_object(Bucket="sluice-models", Key=where.partition("sluice-models/")[2])
    kept = json.loads(letter["Body"].read())
    assert (kept["why"], kept["bytes"]) == (why, len(text))
    assert text.startswith(kept["body"])


def test_a_record_that_cannot_be_read_stops_nobody_and_is_kept(inbox):
    key = f"_uploads/{inbox.model}/9.9.9.json"
    inbox.s3.put_object(Bucket="sluice-models", Key=key, Body=b'{"upl')
    inbox.put("1.2.0")
    [said] = [line for line in inbox.listen() if "put aside" in line]
    assert key in said
    assert [call[1] for call in inbox.told] == ["1.2.0"]
    assert not [line for line in inbox.listen() if "put aside" in line], "once is enough"


def test_an_outcome_that_cannot_be_read_is_told_of(inbox):
    outcome = f"models/{inbox.model}/1.2.0/outcome.json"
    inbox.s3.put_object(Bucket="sluice-models", Key=outcome, Body=b"{")
    inbox.put("1.2.0")
    inbox.put("1.3.0")
    [said] = [line for line in inbox.listen() if "put aside" in line]
    assert outcome in said
    assert [call[1] for call in inbox.told] == ["1.3.0"]

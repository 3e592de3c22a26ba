"""The queue of an asynchronous endpoint: its order, its bounds, and what ends it."""

from __future__ import annotations

import threading

import pytest
from customer.queued import Counter, refused
from customer.shop import BUCKET, Shop, soon

from embedded_aws import EmbeddedAws

TIME_SCALE = 60


@pytest.fixture(scope="module")
def aws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT", "2")
        with EmbeddedAws(time_scale=TIME_SCALE) as made:
            yield made


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


@pytest.fixture(scope="module")
def counter(aws, shop):
    return Counter(aws.client, shop)


class Doors:
    """Requests that leave a mark when they are begun, and wait for somebody to let them go on."""

    def __init__(self, folder) -> None:
        self._folder = folder

    def wish(self, name):
        mark, door = self._folder / f"{name}.begun", self._folder / name
        return {"mark": str(mark), "until": str(door), "echo": name}

    def begun(self):
        return {mark.stem for mark in self._folder.glob("*.begun")}

    def open(self, *names):
        for name in names:
            (self._folder / name).touch()


@pytest.fixture
def doors(tmp_path):
    return Doors(tmp_path)


def places(counter, answers):
    """When each response was stored, by S3's own time."""
    return [
        counter.shop.s3.head_object(
            Bucket=BUCKET, Key=answer["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
        )["LastModified"]
        for answer in answers
    ]


def test_invocations_are_processed_in_the_order_of_arrival(counter, doors):
    name = counter.endpoint(most=1)
    first = counter.ask(name, doors.wish("first"))
    rest = [counter.ask(name, {"echo": number}) for number in range(6)]
    assert all(counter.stored(answer["OutputLocation"]) is None for answer in rest)
    doors.open("first")
    assert [counter.response(answer)["echo"] for answer in rest] == list(range(6))
    # Each notice is told before the next invocation is begun.
    told = [counter.notice(answer)["eventTime"] for answer in (first, *rest)]
    assert told == sorted(told)
    stored = places(counter, (first, *rest))
    assert stored == sorted(stored)


@pytest.mark.parametrize(("most", "count"), [(1, 2), (2, 1), (2, 2)])
def test_no_instance_is_given_more_at_once_than_it_may_be(counter, doors, most, count):
    name = counter.endpoint(most=most, count=count)
    wishes = [str(number) for number in range(most * count + 2)]
    answers = [counter.ask(name, doors.wish(one)) for one in wishes]
    soon(lambda: len(doors.begun()) >= most * count)
    assert doors.begun() == set(wishes[: most * count])  # whoever came first
    doors.open(*wishes)
    told = [counter.response(answer) for answer in answers]
    assert {one["most"] for one in told} == {most}
    assert len({one["pid"] for one in told}) == count


def test_what_waits_for_too_long_expires(counter, doors):
    name = counter.endpoint(most=1)
    blocking = counter.ask(name, doors.wish("blocking"))
    late = counter.ask(name, {"echo": "late"}, RequestTTLSeconds=60)  # one real second
    patient = counter.ask(name, {"echo": "patient"}, RequestTTLSeconds=21_600)
    assert "queued for longer than 60 seconds" in counter.failure(late)
    notice = counter.notice(late)
    assert (notice["invocationStatus"], notice["topic"]) == (
        "Failed", counter.topics["ErrorTopic"]
    )  # fmt: skip
    assert counter.stored(blocking["OutputLocation"]) is None
    doors.open("blocking")
    assert counter.response(patient)["echo"] == "patient"
    assert counter.stored(late["OutputLocation"]) is None


def test_what_is_queued_is_served_by_the_fleet_that_an_update_brings(shop, counter, doors):
    name = counter.endpoint(most=1)
    begun = counter.ask(name, doors.wish("begun"))
    old = soon(lambda: doors.begun() and shop.describe(name))
    queued = [counter.ask(name, {"echo": number}) for number in range(3)]
    config = counter.config(shop.model(), most=1)
    shop.update(name, config)
    told = [counter.response(answer) for answer in queued]  # while the old fleet is still at it
    assert [one["echo"] for one in told] == [0, 1, 2]
    assert shop.status(name) == "Updating"
    doors.open("begun")
    assert shop.wait(name)["EndpointConfigName"] == config != old["EndpointConfigName"]
    assert counter.response(begun)["pid"] not in {one["pid"] for one in told}


def test_nothing_is_lost_or_done_twice_by_updates_under_load(shop, counter):
    name = counter.endpoint(most=2, count=2)
    answers, stop = [], threading.Event()

    def ask():
        while not stop.is_set() and len(answers) < 300:
            answers.append(counter.ask(name, Body=b'{"sleep": 0.01, "echo": 1}'))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(2):
            shop.update(name, counter.config(shop.model(), most=2, count=2))
            shop.wait(name, seconds=60)
    finally:
        stop.set()
        asking.join()
    assert answers
    assert all(counter.response(answer)["echo"] == 1 for answer in answers)
    for answer in answers:  # exactly one notice for each
        assert counter.notice(answer)["invocationStatus"] == "Completed"


def test_a_deleted_endpoint_takes_its_queue_along(shop, counter, doors):
    name = counter.endpoint(most=1)
    begun = counter.ask(name, doors.wish("begun"))
    waiting = counter.ask(name, {"echo": "waiting"})
    soon(doors.begun)
    shop.sm.delete_endpoint(EndpointName=name)
    code, message = refused(shop.rt.invoke_endpoint_async, EndpointName=name, Body=b"x")
    assert (code, message) == (
        "ValidationError", f"Endpoint {name} of account 123456789012 not found."
    )  # fmt: skip
    doors.open("begun")
    assert counter.response(begun)["echo"] == "begun"  # what was begun is finished
    soon(lambda: name not in {e["EndpointName"] for e in shop.sm.list_endpoints()["Endpoints"]})
    assert counter.stored(waiting["OutputLocation"]) is None
    shop.sm.create_endpoint(
        EndpointName=name, EndpointConfigName=counter.config(shop.model(), most=1)
    )
    shop.wait(name)
    assert counter.response(counter.ask(name, {"echo": "new"}))["echo"] == "new"
    assert counter.stored(waiting["OutputLocation"]) is None


def test_a_payload_over_a_gigabyte_fails_before_it_is_read(counter, monkeypatch):
    monkeypatch.setattr("embedded_aws.hosting.asynchronous.delivery.MOST_INPUT_BYTES", 1000)
    name = counter.endpoint()
    answer = counter.ask(name, {"echo": "x" * 1000})
    assert "can have up to 1000 bytes (1 GB)" in counter.failure(answer)

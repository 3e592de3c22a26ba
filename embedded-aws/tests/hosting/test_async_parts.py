"""Small parts of asynchronous inference: addresses, requests, notices, moments, seats."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from embedded_aws.hosting.asynchronous.configuration import DEFAULT_CONCURRENCY, concurrency
from embedded_aws.hosting.asynchronous.line import Line, kept, read
from embedded_aws.hosting.asynchronous.measures import Gauge, gauge_interval, moments
from embedded_aws.hosting.asynchronous.notices import Outcome, notice
from embedded_aws.hosting.asynchronous.places import PlaceError, below, place_of
from embedded_aws.hosting.asynchronous.requests import invocation
from embedded_aws.hosting.fleet.seats import Seats
from embedded_aws.protocol.service import AwsFault
from embedded_aws.state.records import Forgetful


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        ("s3://shop/a/b c.json", "shop", "a/b c.json"),
        ("s3://shop", "shop", ""),
        ("https://s3.us-east-1.amazonaws.com/shop/a/b", "shop", "a/b"),
        ("https://shop.s3.eu-west-1.amazonaws.com/a/b", "shop", "a/b"),
        ("https://my.shop.s3.amazonaws.com/a", "my.shop", "a"),
    ],
)
def test_addresses_of_objects(uri, bucket, key):
    assert place_of(uri) == (bucket, key)


@pytest.mark.parametrize("uri", ["s3://", "s3:///a", "https://example.com/a", "s3://A_B/x"])
def test_addresses_of_nothing(uri):
    with pytest.raises(PlaceError, match=uri):
        place_of(uri)


def test_names_below_an_address():
    assert below("s3://shop/out/", "", "x.out") == "s3://shop/out/x.out"
    assert below("s3://shop", "", "x.out") == "s3://shop/x.out"
    assert below("s3://shop/out", "/a/b/", "x.out") == "s3://shop/out/a/b/x.out"


def asked(number=0, now=100.0, **headers):
    named = {f"x-amzn-sagemaker-{name}": value for name, value in headers.items()}
    made = invocation("e", named, b"{}", {"S3OutputPath": "s3://shop/out"}, now)
    return read({**made.record(), "number": number})


def test_defaults_of_an_invocation():
    one = asked()
    assert (one.timeout, one.expires) == (900.0, 100.0 + 21_600)
    assert one.failure == ""
    assert one.payload == b"{}"
    assert concurrency({"AsyncInferenceConfig": {}}) == DEFAULT_CONCURRENCY


@pytest.mark.parametrize(
    "headers",
    [
        {"requestttlseconds": "soon"},
        {"requestttlseconds": "59"},
        {"invocationtimeoutseconds": "0"},
        {"inference-id": " x"},
        {"inference-id": "x\ty"},
        {"inference-id": "x" * 65},
    ],
)
def test_headers_that_are_none(headers):
    with pytest.raises(AwsFault) as fault:
        asked(**headers)
    assert fault.value.code == "ValidationError"


def test_a_large_response_is_not_included():
    told = json.loads(
        notice(asked(), Outcome(body=b"x" * 131_073), at=1.0, region="r", included=True)
    )
    assert "content" not in told["responseBody"]
    assert told["eventTime"] == "1970-01-01T00:00:01.000Z"


def test_a_queue_is_looked_at_in_each_minute():
    assert moments(None, 90.0) == [90.0]
    assert moments(90.0, 100.0) == [100.0]
    assert moments(90.0, 310.0) == [120.0, 180.0, 240.0, 310.0]
    assert gauge_interval(1) == 5.0
    assert gauge_interval(20) == 0.5
    assert gauge_interval(3600) == 0.25


def test_without_instances_one_would_have_all_to_do():
    told = {}
    sink = SimpleNamespace(record=lambda _ns, name, _dims, values, *_: told.update({name: values}))
    gauge = Gauge(SimpleNamespace(now=lambda: 130.0), sink, "e")
    gauge.look(3, 100.0, 0)
    assert told == {
        "ApproximateBacklogSize": [(3.0, 1.0)],
        "ApproximateAgeOfOldestRequest": [(30.0, 1.0)],
        "HasBacklogWithoutCapacity": [(1.0, 1.0)],
        "ApproximateBacklogSizePerInstance": [(3.0, 1.0)],
    }
    gauge.look(3, 100.0, 2)
    assert told["ApproximateBacklogSizePerInstance"] == [(1.5, 1.0)]
    assert told["HasBacklogWithoutCapacity"] == [(0.0, 1.0)]


def test_a_line_keeps_its_order():
    line = Line("e", Forgetful(), [asked(7), asked(5, now=0.0)])
    assert line.join(asked()).number == 8
    assert line.backlog() == (3, 0.0)
    first = line.first()
    second = line.first()
    assert (first.number, second.number) == (5, 7)
    line.back(second)
    line.back(first)
    assert line.expired(21_599.0) == []
    assert [one.number for one in line.expired(21_600.0)] == [5]
    assert line.first().number == 7
    line.over(first)
    assert line.backlog() == (2, 100.0)
    line.drop()
    assert line.first() is None
    assert line.join(asked()) is None


class Remembered(Forgetful):
    """Records in memory."""

    def __init__(self):
        self.kept = {}

    def put(self, kind, name, value):
        self.kept[kind, name] = value

    def drop(self, kind, name):
        self.kept.pop((kind, name), None)

    def all(self, kind):
        return [value for (of, _), value in self.kept.items() if of == kind]


def test_a_deleted_endpoints_last_word_forgets_nothing_of_its_successor():
    records = Remembered()
    before = Line("e", records)
    before.join(asked())
    late = before.first()
    before.drop()
    after = Line("e", records)
    accepted = after.join(asked())
    before.over(late)
    assert kept(records) == {"e": [accepted]}


def test_nobody_gets_more_seats_than_there_are():
    seats, servers = Seats(), [object(), object()]
    taken = [seats.take(servers, 2, least_busy=True) for _ in range(4)]
    assert sorted(map(servers.index, taken[:2])) == [0, 1]
    assert all(taken.count(one) == 2 for one in servers)
    assert seats.take(servers, 2, least_busy=False) is None
    seats.leave(servers[1])
    assert seats.take(servers, 2, least_busy=False) is servers[1]


def test_who_waits_for_a_line_is_woken():
    line = Line("e", Forgetful())
    found = []
    waiting = threading.Thread(target=lambda: found.append(line.wait()))
    waiting.start()
    line.join(asked())
    waiting.join(10)
    assert found == [True]

"""What is kept, how long, and how much of it."""

import threading

from embedded_aws.cloudwatch import store as stores
from embedded_aws.cloudwatch.statistics import parse
from embedded_aws.cloudwatch.store import DAY, HOUR, MetricKey, MetricStore, Point

NOW = 1_800_000_000 - 1_800_000_000 % HOUR
KEY = MetricKey.of("N", "m", {"b": "2", "a": "1"})
SUM = [parse("Sum")]


def put(store, age, value=1.0, unit="None", now=NOW):
    store.add(KEY, unit, Point(now - age, [(value, 1.0)]), now)


def read(store, start, length, count=1, unit=None):
    spans = [(start + i * length, length) for i in range(count)]
    return [(t, values[0]) for t, values in store.read(KEY, unit, spans, SUM)]


def test_a_metric_is_named_by_its_dimensions_in_any_order():
    assert MetricKey.of("N", "m", {"a": "1", "b": "2"}) == KEY


def test_seconds_minutes_and_hours_hold_the_same_measurements():
    store = MetricStore()
    for age in range(1, 121):
        put(store, age)
    assert read(store, NOW - 120, 1, 120) == [(NOW - age, 1.0) for age in range(120, 0, -1)]
    assert read(store, NOW - 120, 10, 12) == [(NOW - age, 10.0) for age in range(120, 0, -10)]
    assert read(store, NOW - 120, 60, 2) == [(NOW - 120, 60.0), (NOW - 60, 60.0)]
    assert read(store, NOW - HOUR, HOUR) == [(NOW - HOUR, 120.0)]


def test_spans_without_data_are_left_out():
    store = MetricStore()
    put(store, 30)
    assert read(store, NOW - 600, 60, 10) == [(NOW - 60, 1.0)]
    assert store.read(MetricKey("N", "other"), None, [(NOW - 60, 60)], SUM) == []


def test_units_count_apart_and_the_first_where_none_is_named():
    store = MetricStore()
    put(store, 30, 1.0, "Count")
    put(store, 30, 5.0, "Seconds")
    assert read(store, NOW - 60, 60, unit="Seconds") == [(NOW - 60, 5.0)]
    assert read(store, NOW - 60, 60, unit="Bytes") == []
    assert read(store, NOW - 60, 60) == [(NOW - 60, 1.0)]
    assert sorted(store.units(KEY)) == ["Count", "Seconds"]
    put(store, 90, 7.0, "Seconds")
    assert read(store, NOW - 120, 60) == [(NOW - 120, 7.0)]
    assert store.units_in(KEY, [(NOW - 120, 60)]) == ["Seconds"]
    assert store.units_in(KEY, [(NOW - 120, 60), (NOW - 60, 60)]) == ["Count", "Seconds"]


def test_late_data_shows_in_spans_that_were_read_before():
    store = MetricStore()
    put(store, 1)
    put(store, 290)
    put(store, 100)
    assert read(store, NOW - 300, 300) == [(NOW - 300, 3.0)]
    put(store, 250, 10.0)
    assert read(store, NOW - 300, 300) == [(NOW - 300, 13.0)]


def test_seconds_are_kept_for_three_hours():
    store = MetricStore()
    put(store, 100)
    later = NOW + 3 * HOUR
    store.age(later)
    assert read(store, NOW - 100, 1) == []
    assert read(store, NOW - 120, 60) == [(NOW - 120, 1.0)]


def test_minutes_age_into_five_minutes_and_hours():
    store = MetricStore()
    for age in (60, 120, 180):
        put(store, age)
    store.age(NOW + 16 * DAY)
    assert read(store, NOW - 300, 60, 5) == []
    assert read(store, NOW - 300, 300) == [(NOW - 300, 3.0)]
    store.age(NOW + 64 * DAY)
    assert read(store, NOW - 300, 300) == []
    assert read(store, NOW - HOUR, HOUR) == [(NOW - HOUR, 3.0)]
    store.age(NOW + 456 * DAY)
    assert store.units(KEY) == []


def test_old_data_is_listed_no_more():
    store = MetricStore()
    put(store, 15 * DAY)
    assert store.keys(NOW - 14 * DAY) == []
    assert store.keys(NOW - 16 * DAY) == [KEY]


def test_memory_of_seconds_is_bounded(monkeypatch):
    monkeypatch.setattr(stores, "SECONDS_BUDGET", 100)
    store = MetricStore()
    for age in range(500, 0, -1):
        put(store, age, float(age))
    [series] = store._metrics[KEY].values()
    assert sum(len(cell.values) for cell in series.seconds.values()) <= 100
    assert read(store, NOW - 10, 10) == [(NOW - 10, 55.0)]
    assert read(store, NOW - 480, 60) == [(NOW - 480, float(sum(range(421, 481))))]


def test_many_threads_lose_nothing():
    store = MetricStore()

    def work():
        for _ in range(2000):
            put(store, 30)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(store, NOW - 60, 60) == [(NOW - 60, 8000.0)]


def test_old_minutes_turn_coarse():
    store = MetricStore()
    for i in range(1000):
        put(store, 30, 1000.0 + i)
    [series] = store._metrics[KEY].values()
    [cell] = series.minutes.values()
    assert len(cell.values) == 1000
    store.age(NOW + 4 * HOUR)
    assert len(cell.values) < 100
    assert read(store, NOW - 60, 60) == [(NOW - 60, sum(1000.0 + i for i in range(1000)))]

"""What is asked of CloudWatch for a champion alone, and what absent answers mean."""

from __future__ import annotations

from tasks.judge.monitor import WINDOW_SECONDS as MONITORED
from tasks.judge.monitor import Totals, latency_edges
from tasks.release.monitoring.look import WINDOW_SECONDS
from tasks.release.monitoring.questions import MOST_WINDOWS, due, of_variant, windows

BEGIN = 1_704_672_000.0


def test_the_look_knows_the_length_of_a_window_without_the_monitor() -> None:
    assert WINDOW_SECONDS == MONITORED


def test_requests_errors_and_every_latency_bin_are_asked_of_one_variant() -> None:
    asked = of_variant("sluice-m", "v1")
    assert [query["Id"] for query in asked[:4]] == ["requests", "client", "server", "model"]
    assert len(asked) == 4 + len(latency_edges()) + 1
    stats = [query["MetricStat"]["Stat"] for query in asked[4:]]
    assert stats[0] == "TC(:500)"
    assert stats[-1].startswith("TC(2")
    assert {query["MetricStat"]["Period"] for query in asked} == {WINDOW_SECONDS}
    (dimensions,) = {str(query["MetricStat"]["Metric"]["Dimensions"]) for query in asked}
    assert "'Value': 'v1'" in dimensions


def test_only_whole_windows_that_are_told_are_due_and_a_day_of_them_at_most() -> None:
    assert due(BEGIN + 1, BEGIN + 3 * 300 + 59, 60) == (BEGIN + 300,)
    assert due(BEGIN + 1, BEGIN + 3 * 300 + 60, 60) == (BEGIN + 300, BEGIN + 600)
    assert due(BEGIN, BEGIN + 299, 0) == ()
    assert len(due(BEGIN, BEGIN + 10 * 86_400, 60)) == MOST_WINDOWS


def test_what_was_not_told_is_unknown_and_an_empty_window_is_none_of_it() -> None:
    values = {
        "requests": {BEGIN: 10.0, BEGIN + 300: 10.0, BEGIN + 600: 10.0},
        "client": {BEGIN: 1.0},
        "server": {BEGIN: 2.0},
        "model": {BEGIN + 300: 4.0},
        "l3": {BEGIN: 7.0},
    }
    begins = [BEGIN + 300.0 * at for at in range(4)]
    assert [totals for _, totals in windows(values, begins)] == [
        Totals(requests=10, errors=3, latency={3: 7}),
        Totals(requests=10, errors=4),
        Totals(requests=10, errors=None),
        Totals(requests=0, errors=0),
    ]

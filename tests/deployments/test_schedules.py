"""When things run by themselves: the hours that people were promised, in every week of the year."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SUNDAY = 6
SPRING, AUTUMN = datetime(2027, 3, 28, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
"""The nights in which Europe changes its clocks."""
BERLIN = ZoneInfo("Europe/Berlin")
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
MODELS = {path.parent.name for path in (ROOT / "models").glob("*/model.yaml")}


def schedules(flow: str, name: str) -> dict[str, dict[str, Any]]:
    """Schedules of a deployment by slug."""
    entrypoint = f"flows/{flow}.py:{flow}"
    [found] = [one for one in DEPLOYMENTS if (one["entrypoint"], one["name"]) == (entrypoint, name)]
    return {item["slug"]: item for item in found["schedules"]}


def dates(item: dict[str, Any], start: datetime, count: int) -> list[datetime]:
    """When Prefect would start a schedule's runs."""
    from prefect.server.schemas.schedules import CronSchedule

    schedule = CronSchedule(cron=item["cron"], timezone=item["timezone"])
    runs = asyncio.run(schedule.get_dates(n=count, start=start))
    return [datetime.fromtimestamp(run.timestamp(), tz=UTC) for run in runs]


def test_all_models_are_retrained_weekly_and_each_is_watched_daily() -> None:
    [weekly] = schedules("retrain_all", "weekly").values()
    assert set(weekly["parameters"]) == {"reason"}, "no list of models: a new one is among them"
    watched = schedules("watch_drift", "daily")
    assert {slug: item["parameters"]["model"] for slug, item in watched.items()} == {
        model: model for model in MODELS
    }, "a schedule's slug is its model, so that pausing one does not pause another"


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_the_weekly_run_starts_every_sunday_at_two_also_when_clocks_change(
    change: datetime,
) -> None:
    runs = dates(schedules("retrain_all", "weekly")["all"], change - timedelta(days=20), 6)
    assert {(run.weekday(), run.hour) for run in runs} == {(SUNDAY, 2)}
    assert {later - earlier for earlier, later in pairwise(runs)} == {timedelta(days=7)}
    assert change.date() in {run.date() for run in runs}


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_a_company_that_keeps_local_time_gets_one_run_each_sunday_too(change: datetime) -> None:
    """In the night without a two o'clock Prefect starts at one: three is what the docs advise."""
    item = {**schedules("retrain_all", "weekly")["all"], "timezone": "Europe/Berlin"}
    three = {**item, "cron": "0 3 * * 0"}
    runs = [run.astimezone(BERLIN) for run in dates(three, change - timedelta(days=20), 6)]
    assert len({run.date() for run in runs}) == len(runs)
    assert {(run.weekday(), run.hour) for run in runs} == {(SUNDAY, 3)}


def test_what_is_daily_comes_before_what_needs_it() -> None:
    """First the records, then the watch over them, then the question whether anything is due."""
    curate = schedules("curate", "daily")["all"]
    watch = schedules("watch_drift", "daily")["price-estimator"]
    due = schedules("retrain_due", "daily")["all"]
    start = datetime(2026, 12, 1, tzinfo=UTC)
    hours = [dates(item, start, 1)[0] for item in (curate, watch, due)]
    assert hours == sorted(hours)
    assert len(set(hours)) == len(hours)
    assert hours[-1] < start + timedelta(days=1)

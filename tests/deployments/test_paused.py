"""What a person has paused in the UI stays paused when the deployments are applied again."""

from pathlib import Path

import yaml

from deployments.paused import as_left

PLAN = {
    "deployments": [
        {
            "name": "daily",
            "entrypoint": "flows/a.py:a",
            "schedules": [
                {"cron": "0 4 * * *", "slug": "all"},
                {"cron": "0 5 * * *", "timezone": "UTC"},
            ],
        },
        {"name": "daily", "entrypoint": "flows/b.py:b", "schedules": [{"cron": "0 4 * * *"}]},
        {
            "name": "on-drift",
            "entrypoint": "flows/a.py:a",
            "triggers": [{"type": "event", "enabled": True}, {"type": "event", "name": "own"}],
        },
    ]
}


def deployment(identity, name, entrypoint, **more):
    return {"id": identity, "name": name, "entrypoint": entrypoint, **more}


def test_a_paused_deployment_stays_paused_and_its_namesake_of_another_flow_does_not() -> None:
    there = [
        deployment("1", "daily", "flows/a.py:a", paused=True),
        deployment("2", "daily", "flows/b.py:b", paused=False),
    ]
    wanted = as_left(PLAN, there, [])["deployments"]
    assert wanted[0]["paused"] is True
    assert "paused" not in wanted[1]


def test_a_schedule_that_was_turned_off_stays_off_by_its_slug_or_its_rhythm() -> None:
    off = [
        {"slug": "all", "active": False, "schedule": {"cron": "0 4 * * *"}},
        {"slug": None, "active": True, "schedule": {"cron": "0 5 * * *"}},
    ]
    there = [
        deployment("1", "daily", "flows/a.py:a", schedules=off),
        deployment(
            "2", "daily", "flows/b.py:b",
            schedules=[{"active": False, "schedule": {"cron": "0 4 * * *"}}],
        ),
    ]  # fmt: skip
    wanted = as_left(PLAN, there, [])["deployments"]
    assert [s.get("active", True) for s in wanted[0]["schedules"]] == [False, True]
    assert wanted[1]["schedules"][0]["active"] is False


def test_a_trigger_that_was_turned_off_stays_off_by_its_deployment() -> None:
    there = [deployment("3", "on-drift", "flows/a.py:a")]
    off = [
        {"name": "on-drift__automation_1", "enabled": False, "owner": "3"},
        {"name": "own", "enabled": False, "owner": "another"},
    ]
    wanted = as_left(PLAN, there, off)["deployments"][2]["triggers"]
    assert [t.get("enabled", True) for t in wanted] == [False, True]


def test_a_server_that_knows_nothing_gets_the_file_as_it_is() -> None:
    plan = yaml.safe_load((Path(__file__).parents[2] / "prefect.yaml").read_text("utf-8"))
    assert as_left(plan, [], []) == plan

"""New raw records become curated ones by the deployment itself, and only once."""

import json
from datetime import UTC, datetime
from uuid import UUID

import boto3
import pytest

from tests.tasks.contracts.curation.interactions import interaction

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC).isoformat()


def conversation(number):
    return {
        "interaction_id": str(UUID(int=number)),
        "user_id": f"u{number}",
        "user_type": "partner",
        "started_at": BEGAN,
        "updated_at": BEGAN,
        "messages": [],
    }


def test_new_records_are_curated_once_and_labelled(journey):
    s3 = boto3.client(
        "s3",
        endpoint_url=journey.laptop.aws_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    outcome = {"interaction_id": str(UUID(int=2)), "recorded_at": BEGAN, "demo_booked": True}
    opinion = {"interaction_id": str(UUID(int=3)), "given_at": BEGAN, "rating": 5}
    for name, records in (
        ("interactions", [conversation(number) for number in range(5)]),
        ("outcomes", [outcome]),
        ("feedback", [opinion]),
    ):
        body = "".join(f"{json.dumps(record)}\n" for record in records)
        key = f"raw/year=2026/month=03/day=01/{name}.jsonl"
        s3.put_object(Bucket="sluice-lake", Key=key, Body=body.encode())
    told = [
        journey.prefect.completed(journey.prefect.start("curate/daily", {"dataset": "all"}))
        for _ in range(2)
    ]
    assert "power100_interactions: 5 rows in, 5 new, 0 updated, 0 quarantined" in told[0]
    assert "power100_feedback: 1 rows in, 1 new, 0 updated, 0 quarantined" in told[0]
    assert "1 of its records have an outcome" in told[0]
    assert "power100_interactions: nothing is new" in told[1]
    made = s3.list_objects_v2(Bucket="sluice-lake", Prefix="training-data/labeled/")["Contents"]
    assert len(made) == 1


def test_the_apps_own_records_are_all_good_and_late_outcomes_find_them(journey):
    s3 = boto3.client(
        "s3",
        endpoint_url=journey.laptop.aws_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def put(record, day):
        key = f"raw/year=2024/month=1/day={day}/{record['interaction_id']}.json"
        s3.put_object(Bucket="sluice-lake", Key=key, Body=json.dumps(record).encode())

    def curated():
        run = journey.prefect.start("curate/daily", {"dataset": "power100_interactions"})
        return journey.prefect.completed(run)

    for number in range(100, 125):
        put(interaction(number), 5)
    assert "25 rows in, 25 new, 0 updated, 0 quarantined" in curated()
    for number in (100, 101):
        name = interaction(number)["interaction_id"]
        put({"interaction_id": name, "outcomes": {"demo_booked": True, "deal_value": 5_000}}, 28)
    told = curated()
    assert "2 rows in, 0 new, 2 updated, 0 quarantined" in told
    assert "of its records have an outcome" in told

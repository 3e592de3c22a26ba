"""raw → processed → training-data in a real lake: late, updated, replaced, killed, repeated."""

import io
import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from tasks.contracts.curation.labelling import build_training_data, join_key
from tasks.contracts.curation.partitions import Curation
from tasks.contracts.odcs import load_contract
from tasks.contracts.tasks import (
    assemble_records,
    check_contract,
    curated_rows,
    curation_plan,
    fold_in,
)
from tasks.errors import AwsError, ContractViolated, DataError, InvalidContract, NoDataInWindow
from tasks.lake.bucket import take_snapshot
from tasks.lake.formats import LocalReader
from tasks.lake.layout import narrowed
from tasks.lake.pull import pull

pytestmark = pytest.mark.seconds(40)

CONTRACTS = Path(__file__).parents[4] / "data_contracts"
TALKS = load_contract("power100_interactions", CONTRACTS)
RESULTS = load_contract("power100_outcomes", CONTRACTS)
OPINIONS = load_contract("power100_feedback", CONTRACTS)
START = datetime(2026, 3, 1, 9, tzinfo=UTC)
LAKE = itertools.count()


def talk(number, hour=0, **more):
    """A version of a conversation: written ``hour`` hours after it began."""
    return {
        "interaction_id": str(UUID(int=number)),
        "user_id": f"u{number}",
        "user_type": "partner",
        "started_at": (START + timedelta(days=number % 3)).isoformat(),
        "updated_at": (START + timedelta(days=number % 3, hours=hour)).isoformat(),
        "messages": [{"role": "user", "content": "hi", "sent_at": START.isoformat()}],
        "outcomes": {"match_score": 0.5},
    } | more


def result(number, hour=0, **more):
    return {
        "interaction_id": str(UUID(int=number)),
        "recorded_at": (START + timedelta(days=20, hours=hour)).isoformat(),
        "demo_booked": False,
    } | more


def opinion(number, hour=0, **more):
    return {
        "interaction_id": str(UUID(int=number)),
        "given_at": (START + timedelta(days=5, hours=hour)).isoformat(),
        "rating": 4,
    } | more


class Lake:
    """A lake on the embedded AWS, and what the flow does with it.

    ``judged`` is shared by the lakes of one test: Great Expectations takes a second for a batch,
    and says the same of the same objects in each of them.
    """

    def __init__(self, s3, bucket, folder, judged):
        self.s3, self.bucket, self.folder, self.judged = s3, bucket, folder, judged

    def put(self, name, records, day=date(2026, 3, 1)):
        key = f"raw/year={day:%Y}/month={day:%m}/day={day:%d}/{name}.jsonl"
        body = "".join(f"{json.dumps(record)}\n" for record in records).encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return key

    def curate(self, contract):
        """The recipe of flows/curate.py; rows folded, or None when nothing was new."""
        try:
            pinned = take_snapshot(
                self.s3, contract.dataset, self.bucket, contract.location_prefix, owns=contract.owns
            )
        except NoDataInWindow:
            assemble_records.fn(self.bucket, contract, TALKS)
            return None
        chosen = curation_plan.fn(contract, pinned)
        folded = self.fold(contract, pinned, chosen) if chosen.sources else None
        host = TALKS if contract.embedded_in else None
        assemble_records.fn(self.bucket, contract, host)
        return folded

    def fold(self, contract, pinned, chosen):
        part = narrowed(pinned, chosen.sources)
        same = (contract.dataset, *((item.key, item.etag) for item in part.objects))
        if same not in self.judged:
            out = self.folder / contract.dataset / part.fingerprint[:16]
            paths = pull(self.s3, part, self.folder / "cache", reserve_gb=0)
            report = check_contract.fn(
                contract, part, paths, out, LocalReader(), docs=False, increment=True
            )
            self.judged[same] = (report, out)
        report, out = self.judged[same]
        report.require_pass()
        return fold_in.fn(contract, chosen, pinned, report, out)

    def label(self):
        sides = (Curation(self.bucket, TALKS), Curation(self.bucket, RESULTS))
        key = join_key(TALKS, RESULTS)
        return build_training_data(self.bucket, TALKS.training_prefix, *sides, key)

    def everything(self):
        self.curate(TALKS)
        self.curate(RESULTS)
        return self.label()

    def made(self):
        """Key → bytes of all that is not raw, without what only says where it came from."""
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for item in page.get("Contents", []):
                if item["Key"].startswith(("processed/", "training-data/")):
                    body = self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"]
                    found[item["Key"]] = body.read()
        return found

    def records(self, prefix):
        bodies = [body for key, body in self.made().items()
                  if key.startswith(prefix) and key.endswith(".parquet")
                  and "/_versions/" not in key]  # fmt: skip
        rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]
        return {UUID(row["interaction_id"]).int: row for row in rows}


@pytest.fixture
def new_lake(aws_environment, monkeypatch, tmp_path):
    judged = {}

    def make():
        from tasks.aws import client
        from tasks.settings import settings

        name = f"curated-{next(LAKE)}"
        for bucket in (name, f"{name}-work"):
            client("s3").create_bucket(Bucket=bucket)
        client("s3").put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )
        monkeypatch.setenv("SLUICE_LAKE_BUCKET", name)
        monkeypatch.setenv("SLUICE_WORK_BUCKET", f"{name}-work")
        settings.cache_clear()
        return Lake(client("s3"), name, tmp_path / name, judged)

    return make


def test_late_and_updated_records_take_their_place_and_a_second_run_does_nothing(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(n) for n in range(4)])
    first = lake.curate(TALKS)
    assert (first.rows_in, first.rows_new, first.rows_superseding) == (4, 4, 0)
    # Weeks later: an update, an older version that was held up, a new one; a stranger beside them.
    late = [talk(1, 500, outcomes={"match_score": 0.9}), talk(2, -1), talk(7)]
    late[1]["started_at"] = late[1]["updated_at"]
    lake.put("interactions-b", late, date(2026, 3, 22))
    lake.put("outcomes-a", [result(1), result(1, 5, demo_booked=True)], date(2026, 3, 22))
    then = lake.curate(TALKS)
    assert (then.rows_new, then.rows_superseding, then.rows_superseded) == (1, 1, 1)
    found = lake.records("processed/conversations/")
    assert sorted(found) == [0, 1, 2, 3, 7]
    assert found[1]["outcomes.match_score"] == 0.9
    assert found[2]["outcomes.match_score"] == 0.5
    lake.curate(RESULTS)
    labelled, changed = lake.label()
    assert changed
    assert (labelled.labelled, labelled.unlabelled, labelled.orphans) == (1, 4, 0)
    assert lake.records("training-data/labeled/")[1]["outcome.demo_booked"] is True
    assert sorted(lake.records("training-data/unlabeled/")) == [0, 2, 3, 7]

    before = lake.made()
    assert (lake.curate(TALKS), lake.curate(RESULTS)) == (None, None)
    assert lake.label() == (labelled, False)
    assert lake.made() == before


def test_an_outcome_that_comes_before_its_conversation_finds_it_later(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(1)])
    lake.put("outcomes-a", [result(2)])
    assert lake.everything()[0].orphans == 1
    lake.put("interactions-b", [talk(2)], date(2026, 3, 5))
    labelled, _ = lake.everything()
    assert (labelled.labelled, labelled.unlabelled, labelled.orphans) == (1, 1, 0)
    assert list(lake.records("training-data/unlabeled/")) == [1]


def test_feedback_is_curated_beside_conversations_and_late_changes_find_their_record(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(1)])
    lake.put("outcomes-a", [result(1)])
    lake.put("feedback-a", [opinion(1, rating=2, comment="slow"), opinion(2)])
    first = lake.curate(OPINIONS)
    assert (first.rows_in, first.rows_new) == (2, 2)
    # The user thinks again; an older version that was held up changes nothing.
    late = [opinion(1, 700, rating=5), opinion(2, -3, rating=1), opinion(3)]
    lake.put("feedback-b", late, date(2026, 4, 9))
    then = lake.curate(OPINIONS)
    assert (then.rows_new, then.rows_superseding, then.rows_superseded) == (1, 1, 1)
    found = lake.records("processed/feedback/")
    assert {number: row["rating"] for number, row in found.items()} == {1: 5, 2: 4, 3: 4}
    assert found[1]["comments"] == "slow", "what a later version leaves out keeps its value"
    before = lake.made()
    assert lake.curate(OPINIONS) is None
    assert lake.made() == before
    lake.everything()
    assert list(lake.records("processed/conversations/")) == [1]
    assert list(lake.records("processed/outcomes/")) == [1]
    assert len(lake.records("processed/feedback/")) == 3, "no data set touches another's folder"


def history(lake):
    """Three loads, the last of which corrects the first object."""
    lake.put("interactions-a", [talk(n) for n in range(4)])
    lake.put("outcomes-a", [result(0), result(3)])
    lake.everything()
    lake.put("interactions-b", [talk(1, 30), talk(5)], date(2026, 3, 2))
    lake.put("outcomes-b", [result(0, 2, demo_booked=True), result(5)], date(2026, 3, 2))


def test_a_run_that_dies_at_any_write_leads_to_the_same_end(new_lake, aws):
    whole = new_lake()
    history(whole)
    whole.everything()
    end = whole.made()
    deaths = 0
    for writes in itertools.count(1, 4):
        lake = new_lake()
        history(lake)
        fault = aws.faults.add(
            "error", service="s3", action="PutObject", params={"Bucket": lake.bucket},
            skip=writes, times=None, code="AccessDenied", status=403,
        )  # fmt: skip
        try:
            lake.everything()
        except AwsError:
            deaths += 1
        else:
            break
        finally:
            aws.faults.clear(fault.id)
        lake.everything()
        assert lake.made() == end, f"died after {writes} writes"
    assert deaths >= 3


def test_what_a_dead_run_began_is_taken_back_when_its_source_was_replaced(new_lake, aws):
    half_done = 0
    for writes in (2, 3, 4):
        lake = new_lake()
        lake.put("interactions-a", [talk(0), talk(1)])
        lake.curate(TALKS)
        before = versions(lake)
        key = lake.put("interactions-b", [talk(2), talk(4)])
        fault = aws.faults.add(
            "error", service="s3", action="PutObject", params={"Key": "processed/*"},
            skip=writes, times=None, code="AccessDenied", status=403,
        )  # fmt: skip
        with pytest.raises(AwsError):
            lake.curate(TALKS)
        aws.faults.clear(fault.id)
        half_done += versions(lake) != before
        lake.put("interactions-b", [talk(6)])
        lake.curate(TALKS)
        assert sorted(lake.records("processed/")) == [0, 1, 6]
        # And so it is when a whole object vanishes.
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)
        lake.curate(TALKS)
        assert sorted(lake.records("processed/")) == [0, 1]
    assert half_done, "no run died with versions of its own in the lake"


def versions(lake) -> dict[str, str]:
    """ETags of the kept versions, which the records are made of."""
    found = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="processed/")["Contents"]
    return {item["Key"]: item["ETag"] for item in found if "/_versions/" in item["Key"]}


def test_bad_rows_are_set_aside_and_too_many_of_them_stop_the_run(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(0), talk(1, user_type="stranger")])
    folded = lake.curate(TALKS)
    assert (folded.rows_in, folded.rows_new) == (1, 1)
    lake.put("interactions-b", [talk(n, user_type="stranger") for n in (2, 3, 4)])
    with pytest.raises(ContractViolated):
        lake.curate(TALKS)
    assert list(lake.records("processed/")) == [0]


def test_two_runs_at_once_never_lose_each_others_rows(new_lake):
    lake = new_lake()
    lake.put("interactions-a", [talk(0)])
    pinned = take_snapshot(lake.s3, TALKS.dataset, lake.bucket, "raw/", owns=TALKS.owns)
    slow = Curation(lake.bucket, TALKS)
    state = slow.state()
    chosen = curation_plan.fn(TALKS, pinned)
    lake.curate(TALKS)
    with pytest.raises(DataError, match="while this run was curating"):
        slow.apply(chosen, state, pinned, [])
    assert list(lake.records("processed/")) == [0]


def test_the_rows_of_another_data_set_come_from_what_is_curated(new_lake, tmp_path):
    lake = new_lake()
    assert curated_rows.fn(lake.bucket, TALKS, tmp_path / "none") is None
    lake.put("interactions-a", [talk(n) for n in range(4)])
    lake.curate(TALKS)
    files = curated_rows.fn(lake.bucket, TALKS, tmp_path / "rows")
    lake.put("outcomes-a", [result(n) for n in (*range(4), 9)])
    pinned = take_snapshot(lake.s3, RESULTS.dataset, lake.bucket, "raw/", owns=RESULTS.owns)
    paths = pull(lake.s3, pinned, lake.folder / "cache", reserve_gb=0)
    report = check_contract.fn(
        RESULTS, pinned, paths, tmp_path / "out", LocalReader(), {TALKS.dataset: files}, docs=False
    )
    assert report.rows_quarantined == 1
    assert [c.id for c in report.checks if c.failed] == ["interaction_id.reference"]


def test_labelling_needs_a_relationship():
    with pytest.raises(InvalidContract, match="has no relationship"):
        join_key(RESULTS, TALKS)

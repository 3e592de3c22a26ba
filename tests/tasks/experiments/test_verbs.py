"""From a start to a winner on the embedded AWS; stopped at any call, finished by the next."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.errors import (
    AwsError,
    ExperimentError,
    ExperimentRunning,
    ExperimentUndecided,
    ExperimentUnknown,
    InvalidExperiment,
    RecordsUnreadable,
)
from tasks.experiments import store, verbs
from tasks.experiments.blocks import all_counted
from tasks.experiments.plan import DAY, HOUR, Experiment
from tests.tasks.experiments.conftest import BUCKET, START, V1, V2, V3, make_table

pytestmark = pytest.mark.seconds(30)

TIME_SCALE = 1


def lines(experiment: Experiment, users: int, rates: tuple[float, float]) -> list[Any]:
    """An exposure of each user, and a booking of some, as his arm has it."""
    found: list[Any] = []
    seen = {"treatment": 0, "control": 0}
    for n in range(users):
        user = f"user-{n}"
        arm = experiment.arm_of(user)
        found.append({"user_id": user, "event_id": "seen"})
        rate = rates[0] if arm == "treatment" else rates[1]
        if (seen[arm] * rate) % 1 + rate >= 1:
            found.append({"user_id": user, "event_id": "booked", "metric": "booked"})
        seen[arm] += 1
    return found


def recorded(room: Any, users: int = 70, rates: tuple[float, float] = (0.9, 0.1)) -> Experiment:
    """A started experiment whose users have been recorded and are due."""
    experiment: Experiment = room.start(window_hours=1)
    verbs.record(room.context, room.model, room.upload(*lines(experiment, users, rates)))
    room.clock.at += 3 * HOUR
    return experiment


def test_a_start_tells_clients_who_gets_what(room: Any) -> None:
    experiment = room.start(percent=20, days=7)
    told = room.public()
    assert (told["state"], told["control"], told["treatment"]) == ("running", V1, V2)
    assert (told["percent"], told["salt"]) == (20, experiment.salt)
    assert told["ends"] == "2026-01-12T08:00:00Z"
    head = room.aws.client("s3").head_object(Bucket=BUCKET, Key=f"{room.model}/experiment.json")
    assert head["CacheControl"] == "public, max-age=60"
    assert store.dossier(BUCKET, room.model).experiment == experiment


def test_a_second_experiment_of_a_model_is_refused_and_changes_nothing(room: Any) -> None:
    first = room.start()
    with pytest.raises(ExperimentRunning, match=first.id):
        room.start(treatment=V3)
    with pytest.raises(ExperimentRunning):
        room.start(run="another run")
    assert room.public()["experiment"] == first.id


def test_a_retried_start_finds_what_it_began(room: Any) -> None:
    first = room.start(run="run-1")
    room.clock.at += 60
    assert room.start(run="run-1") == first


def test_of_many_starts_in_one_moment_exactly_one_starts(room: Any) -> None:
    won: list[Experiment] = []

    def starter(number: int) -> None:
        try:
            won.append(room.start(run=f"run-{number}", actor=f"actor {number}"))
        except ExperimentRunning:
            return

    threads = [threading.Thread(target=starter, args=(n,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [experiment.id for experiment in won] == [room.public()["experiment"]]


def test_a_bad_start_is_one_clear_error_and_splits_nobody(room: Any) -> None:
    room.shelf.serving = None
    with pytest.raises(InvalidExperiment, match=r"no version serves yet.*'v9'.*split 100.*no succ"):
        room.start(treatment="v9", percent=100, metrics=[])
    with pytest.raises(ExperimentUnknown, match=room.model):
        verbs.observe(room.context, room.model)


def test_a_version_that_was_rolled_back_is_not_tried_on_users(room: Any) -> None:
    room.shelf.withdrawn = V2
    with pytest.raises(InvalidExperiment, match=f"'{V2}' was rolled back"):
        room.start()
    assert room.start(treatment=V3).treatment == V3


def test_a_table_that_would_keep_records_for_ever_is_refused(room: Any) -> None:
    make_table(room.aws.client("dynamodb"), "keeps")
    spec = {"Enabled": False, "AttributeName": "expires"}
    room.aws.client("dynamodb").update_time_to_live(TableName="keeps", TimeToLiveSpecification=spec)
    with pytest.raises(ExperimentError, match="keep records for ever"):
        verbs.require_table("keeps")
    with pytest.raises(AwsError, match="SLUICE_EXPERIMENTS_TABLE"):
        verbs.require_table("not-there")


def test_a_winner_is_read_concluded_told_and_released(room: Any) -> None:
    experiment = recorded(room)
    seen = verbs.observe(room.context, room.model)
    assert (seen.decision.kind, seen.decision.winner) == ("winner", V2), seen.decision.reason
    assert sum(seen.reading.users) == 70
    ended = verbs.conclude(room.context, room.model, "bob", "done")
    assert ended.conclusion is not None
    assert (ended.conclusion.winner, ended.conclusion.actor) == (V2, "bob")
    assert (room.public()["state"], room.public()["winner"]) == ("concluded", V2)
    assert verbs.to_release(room.context, ended)[0] == V2
    again = verbs.conclude(room.context, room.model, "eve", "again")
    assert again.conclusion == ended.conclusion
    with pytest.raises(ExperimentError, match="is concluded"):
        verbs.record(room.context, room.model, room.upload({"user_id": "u", "event_id": "e"}))
    assert room.start(treatment=V3).id != experiment.id


def test_undecided_is_not_concluded_unless_somebody_stops_it(room: Any) -> None:
    recorded(room, users=20)
    with pytest.raises(ExperimentUndecided, match="Not decided yet"):
        verbs.conclude(room.context, room.model, "bob", "impatient")
    assert room.public()["state"] == "running"
    ended = verbs.conclude(room.context, room.model, "bob", "too costly", stop=True)
    assert ended.conclusion is not None
    assert (ended.conclusion.kind, ended.conclusion.winner) == ("stopped", None)
    assert ended.conclusion.reason.startswith("Stopped: too costly.")
    assert verbs.to_release(room.context, ended) == (
        None,
        "Nothing is released: there is no winner.",
    )


def test_an_experiment_whose_time_is_over_can_be_concluded(room: Any) -> None:
    experiment = recorded(room, users=20)
    room.clock.at = all_counted(experiment)
    ended = verbs.conclude(room.context, room.model, "bob", "over")
    assert ended.conclusion is not None
    assert ended.conclusion.kind == "stopped"


def test_lost_users_stop_the_experiment(room: Any) -> None:
    experiment = room.start(window_hours=1)
    half = [
        line
        for line in lines(experiment, 70, (0.9, 0.1))
        if experiment.arm_of(line["user_id"]) == "control"
    ]
    verbs.record(room.context, room.model, room.upload(*half))
    room.clock.at += 3 * HOUR
    seen = verbs.observe(room.context, room.model)
    assert seen.reading.mismatch
    assert seen.reading.metrics == ()
    ended = verbs.conclude(room.context, room.model, "bob", "broken")
    assert ended.conclusion is not None
    assert (ended.conclusion.kind, ended.conclusion.winner) == ("stopped", None)


def test_a_winner_is_not_released_over_what_it_was_not_compared_with(room: Any) -> None:
    recorded(room)
    ended = verbs.conclude(room.context, room.model, "bob", "done")
    for serving, sentence in ((V3, f"{V3} serves, not {V1}"), (V2, f"{V2} serves already")):
        room.shelf.serving = serving
        version, told = verbs.to_release(room.context, ended)
        assert version is None
        assert sentence in told
    room.shelf.serving = V1
    room.shelf.records = [SimpleNamespace(version=V2, status="rolled_back")]
    assert verbs.to_release(room.context, ended)[0] is None


def test_a_reading_of_all_takes_what_runs_and_what_a_dead_run_left_unreleased(room: Any) -> None:
    def at_hand() -> list[str]:
        return verbs.open_experiments(room.context, [room.model, "no-experiment"])

    experiment = room.start(window_hours=1, when_decided="release")
    assert at_hand() == [room.model]
    verbs.record(room.context, room.model, room.upload(*lines(experiment, 70, (0.9, 0.1))))
    room.clock.at += 3 * HOUR
    verbs.conclude(room.context, room.model, "bob", "decided")
    assert at_hand() == [room.model]
    room.shelf.serving = V2
    assert at_hand() == []
    room.shelf.serving = V1
    room.clock.at += 2 * DAY
    assert at_hand() == []


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("records.jsonl", "is no address in S3"),
        (f"s3://{BUCKET}/nowhere", "is not there"),
        (None, "none of 2 lines is a record: line 1: "),
    ],
)
def test_a_file_that_holds_no_record_is_refused(room: Any, url: str | None, match: str) -> None:
    room.start()
    with pytest.raises(RecordsUnreadable, match=match):
        verbs.record(room.context, room.model, url or room.upload("{", "[]"))


def test_each_metric_is_logged_per_model_version_and_metric(room: Any) -> None:
    # CloudWatch takes nothing older than a fortnight on its own clock, or from the future.
    room.clock.at = room.aws.clock.now() - 3 * HOUR
    recorded(room)
    seen = verbs.observe(room.context, room.model)
    verbs.publish(room.context, seen)
    listed = room.aws.client("cloudwatch").list_metrics(
        Namespace="Sluice", Dimensions=[{"Name": "ModelName", "Value": room.model}]
    )["Metrics"]
    found = {
        (m["MetricName"], *(d["Value"] for d in sorted(m["Dimensions"], key=lambda d: d["Name"])))
        for m in listed
    }
    assert found == {
        (name, "booked", room.model, version)
        for name in ("ExperimentMean", "ExperimentUsers")
        for version in (V1, V2)
    }


def test_people_are_told_of_the_end(room: Any) -> None:
    sns, sqs = room.aws.client("sns"), room.aws.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    recorded(room)
    context = replace(room.context, topic=topic)
    assert verbs.announce(room.context, verbs.observe(room.context, room.model)).startswith(
        "(nobody told"
    )
    for _ in range(2):
        verbs.announce(context, verbs.observe(room.context, room.model))
    ended = verbs.conclude(room.context, room.model, "bob", "done")
    for _ in range(2):
        verbs.announce(context, ended)
    mails = []
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        mails += [json.loads(message["Body"])["Message"] for message in found]
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert [f"{V2} (treatment) is better" in mail for mail in mails] == [True, True]
    assert "goes on until somebody concludes it" in mails[0]
    assert "Concluded by bob" in mails[1]
    assert verbs.announce(context, verbs.observe(room.context, room.model)) == "(told before)"


@pytest.mark.parametrize("kind", ["error", "lost_answer"])
def test_start_and_conclude_stopped_at_any_call_are_finished_by_the_next(
    room: Any, kind: str
) -> None:
    calls = 0
    stopped = True
    while stopped:
        room.model = f"{room.model.split('@')[0]}@{kind}-{calls}"
        fault = (
            {"kind": "error", "code": "AccessDenied", "status": 403}
            if kind == "error"
            else {"kind": "lost_answer", "drop": True}
        )
        room.aws.faults.add(service="s3", skip=calls, times=1, **fault)
        stopped = False
        for _ in range(2):
            try:
                room.start(run="run-1")
                verbs.conclude(room.context, room.model, "bob", "enough", stop=True)
                break
            except AwsError:
                stopped = True
        room.aws.faults.clear()
        ended = verbs.conclude(room.context, room.model, "bob", "enough", stop=True)
        assert ended.conclusion is not None
        assert ended.conclusion.kind == "stopped"
        assert room.public()["state"] == "concluded"
        calls += 1
        if kind == "lost_answer":
            stopped = calls < 12
    assert calls > 8
    assert room.clock.at == START

from __future__ import annotations

import itertools
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.runtime import model_files
from tasks.errors import ReleaseInProgress, ReleaseMismatch
from tasks.model_spec import ModelSpec
from tasks.release.endpoint.plan import opened
from tasks.release.hosting import names, requests
from tasks.release.journal.record import Journal, Move, Site
from tasks.release.machine import plan
from tasks.release.machine.observed import ObservedEndpoint, ObservedVariant
from tasks.release.observation import windows
from tasks.release.observation.analysis import CanaryAnalysis, journal_policy
from tasks.values import Pointer

V1, V2 = "v20260101_020000", "v20260108_020000"
SITE = Site(
    role_arn="arn:aws:iam::123456789012:role/r",
    image="registry/serving:1",
    kms_key_id="key",
    subnets=("subnet-1",),
    security_groups=("sg-1",),
    alerts_topic_arn="arn:aws:sns:us-east-1:123456789012:alerts",
)


def spec(**release: Any) -> Any:
    return ModelSpec.model_validate(
        {
            "name": "m", "family": "tabular", "owner": "o", "description": "d",
            "data": {"dataset": "d", "label": "l"}, "gates": [{"metric": "mae", "at_most": 1.0}],
            "release": {"prediction_bins": (0.2, 0.8), **release},
        }
    )  # fmt: skip


def facts(**changes: Any) -> plan.Facts:
    endpoint = ObservedEndpoint(
        status="InService", config="config-1",
        variants={"v20260101-020000": ObservedVariant(weight=1.0, instances=4)},
    )  # fmt: skip
    pointer = Pointer(model="m", version=V1, timestamp="", actor="a", reason="r")
    return plan.Facts(
        pointer=pointer,
        endpoint=endpoint,
        variant_models={"v20260101-020000": "model-1"},
        stable_environment={"SLUICE_PREDICTION_EDGES": "0.2,0.8"},
    ).model_copy(update=changes)


def journal(release: dict[str, Any] | None = None, **changes: Any) -> Journal:
    wish = plan.Wish(version=V2, url="s3://b/k", identity="i", actor="ann", reason="weekly")
    return opened(
        spec(**(release or {})), SITE, facts(**changes), wish, now=1e9, owner="o", lease=60.0
    )


def test_the_plan_takes_what_serves_as_it_is() -> None:
    made = journal()
    assert made.stable is not None
    assert (made.stable.model_name, made.stable.solo_config) == ("model-1", "config-1")
    assert made.instances == 4  # the candidate must carry what the stable version carries
    assert made.judged_edges == (0.2, 0.8)


def test_predictions_counted_into_other_bins_are_not_compared() -> None:
    assert journal(stable_environment={"SLUICE_PREDICTION_EDGES": "0.5"}).judged_edges == ()
    assert journal(stable_environment={}).judged_edges == ()
    assert journal(stable_environment={}, stable_edges=(0.2, 0.8)).judged_edges == (0.2, 0.8)
    silent = {"SLUICE_METRICS_NAMESPACE": "", "SLUICE_PREDICTION_EDGES": "0.2,0.8"}
    assert journal(stable_environment=silent).judged_edges == ()


def test_a_release_on_an_endpoint_that_disagrees_with_the_pointer_is_refused() -> None:
    other = ObservedEndpoint(
        status="InService", config="c", variants={"v9": ObservedVariant(weight=1.0)}
    )
    with pytest.raises(ReleaseMismatch, match="v9"):
        journal(endpoint=other)
    with pytest.raises(ReleaseMismatch, match="no pointer"):
        journal(pointer=None)
    busy = other.model_copy(update={"status": "Updating"})
    with pytest.raises(ReleaseInProgress, match="Updating"):
        journal(endpoint=busy)


def test_a_first_version_has_nothing_to_be_compared_with() -> None:
    made = journal(pointer=None, endpoint=None)
    assert made.stable is None
    assert made.strategy == "direct"
    assert "no stable version to compare with" in made.entries[0].detail


def test_a_container_without_a_network_is_told_nowhere_to_publish_or_fetch_from() -> None:
    document = spec().model_dump()
    del document["release"]["prediction_bins"]
    apart = ModelSpec.model_validate({**document, "serving": {"network_isolation": True}})
    wish = plan.Wish(version=V2, url="s3://b/k", identity="i", actor="ann", reason="weekly")
    site = SITE.model_copy(update={"environment": {"SLUICE_IMAGE_HOSTS": "photos.example.org"}})
    more: Any = {"now": 1e9, "owner": "o", "lease": 60.0}
    made = opened(apart, site, facts(stable_edges=(0.2, 0.8)), wish, **more)
    request = requests.create_model(made, made.candidate)
    assert request["EnableNetworkIsolation"]
    told = request["PrimaryContainer"]["Environment"]
    assert (told["SLUICE_METRICS_NAMESPACE"], told["SLUICE_IMAGE_HOSTS"]) == ("", "")
    assert made.judged_edges == ()
    open_to_all = opened(ModelSpec.model_validate(document), site, facts(), wish, **more)
    request = requests.create_model(open_to_all, open_to_all.candidate)
    assert "EnableNetworkIsolation" not in request
    assert request["PrimaryContainer"]["Environment"]["SLUICE_IMAGE_HOSTS"] == "photos.example.org"
    assert open_to_all.candidate.model_name != made.candidate.model_name


def test_predictions_of_a_container_without_a_network_cannot_be_asked_for() -> None:
    document = spec().model_dump()
    with pytest.raises(ValidationError, match=r"release.prediction_bins.*publish none"):
        ModelSpec.model_validate({**document, "serving": {"network_isolation": True}})


@pytest.mark.parametrize("strategy", ["canary", "blue_green"])
def test_every_request_is_valid_against_the_service_model(strategy: str) -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    made = journal({"strategy": strategy, "shadow_seconds": 60, "window_seconds": 10})
    assert made.stable is not None
    session = botocore.session.get_session()
    validator = ParamValidator()

    def valid(service: str, operation: str, request: dict[str, Any]) -> None:
        shape = session.get_service_model(service).operation_model(operation).input_shape
        report = validator.validate(request, shape)
        assert not report.has_errors(), report.generate_report()

    valid("sagemaker", "CreateModel", requests.create_model(made, made.candidate))
    listed = made.candidate.model_copy(update={"files": "0" * 64})
    listing = model_files.listing_of({f"code/{n}.py": f"{n:064x}" for n in range(300)})
    request = requests.create_model(made, listed, listing)
    valid("sagemaker", "CreateModel", request)
    told = request["PrimaryContainer"]["Environment"]
    assert len(told) <= 100
    assert sum(len(name) + len(value) for name, value in told.items()) <= 32 << 10
    for part in ("both", "shadow", "candidate", "stable"):
        config = requests.create_config(made, part, "name-1")  # type: ignore[arg-type]
        valid("sagemaker", "CreateEndpointConfig", config)
    guard = requests.guardrail(made, requests.alarm_names(made))
    update = {"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": guard}
    valid("sagemaker", "UpdateEndpoint", update)
    for alarm in requests.alarms(made):
        valid("cloudwatch", "PutMetricAlarm", alarm)
        assert sum(query.get("ReturnData", True) for query in alarm["Metrics"]) == 1
        assert len(alarm["Metrics"]) <= 20
    asked = windows.queries(made)
    assert len(asked) <= 500
    assert len({query["Id"] for query in asked}) == len(asked)
    for name in (made.candidate.model_name, made.both_config, made.shadow_config):
        assert len(name) <= 63


@given(
    model=st.from_regex(r"[a-z][a-z0-9]{0,12}(-[a-z0-9]{1,12}){0,2}", fullmatch=True),
    other=st.from_regex(r"[a-z][a-z0-9]{0,12}(-[a-z0-9]{1,12}){0,2}", fullmatch=True),
)
def test_names_are_short_and_belong_to_one_model(model: str, other: str) -> None:
    name = names.resource(model, names.variant_of(V1), {"a": 1})
    assert len(name) <= 63
    assert names.is_ours(name, model)
    assert names.is_ours(name, other) == (names.stem_of(model) == names.stem_of(other))


@given(
    until=st.integers(0, 1000), now=st.integers(0, 2000), window=st.sampled_from([10, 60]),
    lag=st.integers(0, 120),
)  # fmt: skip
def test_windows_follow_each_other_and_are_told(
    until: int, now: int, window: int, lag: int
) -> None:
    spans = windows.due(float(until), float(now), float(window), float(lag))
    assert all(end + lag <= now for _, end in spans)
    assert all(first[1] == second[0] for first, second in itertools.pairwise(spans))
    assert all(end - begin == window for begin, end in spans)
    if spans:
        assert spans[0][0] == until
        assert spans[-1][1] + window + lag > now


def test_a_window_in_which_the_shares_moved_is_left_out() -> None:
    moves = (Move(begun=100.0, settled=103.0, share=0.1),)
    assert windows.steady((40.0, 100.0), moves)
    assert not windows.steady((60.0, 120.0), moves)
    assert not windows.steady((101.0, 102.0), moves)
    assert windows.steady((103.0, 163.0), moves)
    assert windows.share_in((103.0, 163.0), moves) == 0.1
    assert windows.share_in((40.0, 100.0), moves) == 0.0


def values(made: Journal, requests_: int, told: int, at: float) -> dict[str, dict[float, float]]:
    found = {f"{arm}_requests": {at: float(requests_)} for arm in "cs"}
    found |= {f"{arm}_l3": {at: float(told)} for arm in "cs"}
    found |= {"c_server": {at: 2.0}, "c_model": {at: 3.0}, "c_p1": {at: 7.0}}
    found |= {"s_server": {at: 0.0}, "s_model": {at: 0.0}}
    return found


def test_a_late_window_is_waited_for_and_taken_as_it_is_in_the_end() -> None:
    made = journal()
    span = (960.0, 1020.0)
    whole = windows.complete(made, values(made, 10, 10, 960.0), [span], 1100.0)
    assert whole[0]["canary"]["requests"] == 10
    assert whole[0]["canary"]["errors"] == 3
    assert sum(whole[0]["canary"]["latency"]) == 10
    assert whole[0]["canary"]["predictions"] == [0, 7, 0]
    assert windows.complete(made, values(made, 10, 4, 960.0), [span], 1100.0) == []
    assert windows.complete(made, {}, [span], 1100.0) == []  # nothing told is not "no requests" yet
    assert windows.complete(made, {}, [span], 1140.0)[0]["canary"]["requests"] == 0
    empty = windows.complete(made, values(made, 10, 10, 1020.0), [span, (1020.0, 1080.0)], 1100.0)
    assert [window["canary"]["requests"] for window in empty] == [0, 10]
    assert len(windows.complete(made, values(made, 10, 4, 960.0), [span], 2000.0)) == 1


def test_an_arm_that_is_told_later_is_waited_for() -> None:
    """CloudWatch tells one dimension before the other: that is no silence of the canary's."""
    made = journal().model_copy(update={"moves": (Move(begun=0.0, settled=1.0, share=0.1),)})
    span = (960.0, 1020.0)
    one_arm = {
        name: told for name, told in values(made, 60, 60, 960.0).items() if name.startswith("s_")
    }
    assert windows.complete(made, one_arm, [span], 1100.0) == []
    assert windows.complete(made, values(made, 60, 60, 960.0), [span], 1100.0) != []
    late = windows.complete(made, one_arm, [span], 1140.0)
    assert (late[0]["canary"]["requests"], late[0]["stable"]["requests"]) == (0, 60)
    few = {name: {960.0: 9.0} for name in ("s_requests", "s_l3", "s_model")}
    assert windows.complete(made, few, [span], 1100.0) != [], "by chance it has none of nine"


def test_the_share_is_tested_where_requests_are_assigned() -> None:
    assert journal_policy(journal()).sample_ratio
    assert not journal_policy(journal({"sample_ratio": False})).sample_ratio
    edge = journal().model_copy(
        update={"spec": journal().spec.model_copy(update={"delivery": "edge"})}
    )
    assert not journal_policy(edge).sample_ratio


def test_bins_are_counted_between_neighbouring_edges() -> None:
    made = journal()
    stats = [q["MetricStat"]["Stat"] for q in windows.queries(made) if q["Id"].startswith("c_p")]
    assert stats == ["TC(:0.5)", "TC(0.5:1.5)", "TC(1.5:)"]
    latency = [q["MetricStat"]["Stat"] for q in windows.queries(made) if q["Id"].startswith("s_l")]
    assert latency[:2] == ["TC(:46.117)", "TC(46.117:50.422)"]
    assert len(latency) == len(made.latency_edges_ms) + 1


def test_bins_are_narrow_where_the_stable_version_was_slow_before() -> None:
    quantiles = {"p50": (80.0, 90.0), "p90": (160.0, 170.0), "p99": (300.0, 310.0)}
    edges = journal(latency_quantiles=quantiles).latency_edges_ms
    assert {90.0, 170.0, 310.0} <= set(edges), "the last hour's quantiles are edges"
    steps = [b / a for a, b in pairwise(edges) if 70.0 <= a <= 350.0]
    assert max(steps) < 1.05
    assert len(edges) < 110


def test_an_error_metric_that_is_lost_is_unknown_and_waited_for() -> None:
    made = journal()
    span = (0.0, 60.0)
    fast = f"l{len(made.latency_edges_ms)}"
    whole = {
        f"{arm}_{name}": {0.0: value}
        for arm in "cs"
        for name, value in {
            "requests": 50.0, "client": 0.0, "server": 0.0, "model": 0.0, fast: 50.0
        }.items()
    }  # fmt: skip

    def told(*lost: str, now: float = 70.0) -> list[dict[str, Any]]:
        kept = {name: values for name, values in whole.items() if name not in lost}
        return windows.complete(made, kept, [span], now)

    assert told()[0]["canary"]["errors"] == 0
    assert told("c_server", "c_client")[0]["canary"]["errors"] == 0, "the model's errors tell it"
    assert told("c_model")[0]["canary"]["errors"] == 0
    for lost in (("c_model", "c_server"), ("c_model", "c_client", "c_server")):
        assert told(*lost) == [], "it may only be late"
        assert told(*lost, now=600.0)[0]["canary"]["errors"] is None
        assert told(*lost, now=600.0)[0]["stable"]["errors"] == 0


def test_a_restarted_controller_decides_the_same() -> None:
    made = journal({"warm_up_seconds": 0})
    bins = len(made.latency_edges_ms) + 1

    def window(number: int, bad: int) -> dict[str, Any]:
        latency = tuple(300 if i == 9 else 0 for i in range(bins))
        arm = {"requests": 300, "latency": latency, "predictions": (100, 100, 100)}
        return {
            "t0": 60.0 * number, "t1": 60.0 * (number + 1), "weight": 0.33,
            "canary": {**arm, "errors": bad}, "stable": {**arm, "errors": 1},
        }  # fmt: skip

    told = [window(n, 30) for n in range(1, 5)]
    at_once = CanaryAnalysis().analyse(made, told)
    one_by_one = made
    for item in told:
        state, ruling, _ = CanaryAnalysis().analyse(one_by_one, [item])
        stored = one_by_one.model_copy(update={"judge_state": state})
        one_by_one = Journal.model_validate_json(stored.model_dump_json())
    assert at_once[1] == ruling
    assert ruling.action == "rollback"
    assert ruling.against >= 2.0
    assert journal_policy(made).prediction_bins == 3

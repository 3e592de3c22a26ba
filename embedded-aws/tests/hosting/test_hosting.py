"""What only this embedded AWS can be asked: faults, deaths, load, and what is left behind."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from customer import CODE, TESTS
from customer.shop import BUCKET, IMAGE, ROLE, Shop, archive, soon

from embedded_aws import EmbeddedAws
from embedded_aws.hosting import Hosting, HostingSettings
from embedded_aws.protocol.service import AwsFault

TIME_SCALE = 60.0


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


class Watcher:
    """Takes metrics instead of CloudWatch."""

    def __init__(self):
        self.values = {}

    def record(self, namespace, name, dimensions, values, unit="None", timestamp=None):
        key = (namespace, name, dimensions["VariantName"])
        self.values.setdefault(key, Counter()).update(dict(values))


@contextmanager
def hosting(aws, shop, watcher=None, alarms=None, **settings):
    """A hosting of its own beside the embedded AWS's, with settings of its own."""
    world = dataclasses.replace(
        aws.world,
        metrics=watcher or aws.world.metrics,
        alarms=alarms or aws.world.alarms,
        state_dir=aws.world.state_dir / shop.name("own"),
    )
    room = Hosting(world, HostingSettings(**settings))
    try:
        yield room, room.actions()
    finally:
        room.close()


def put_up(shop, actions, count=1, *, variant=None, **environment):
    """An endpoint ``own`` with one variant on a hosting of its own."""
    container = {"Image": IMAGE, "ModelDataUrl": shop.url, "Environment": environment}
    actions["CreateModel"](
        {"ModelName": "own", "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
    )
    spec = {**shop.variant("main", "own", count=count), **(variant or {})}
    actions["CreateEndpointConfig"]({"EndpointConfigName": "own", "ProductionVariants": [spec]})
    actions["CreateEndpoint"]({"EndpointName": "own", "EndpointConfigName": "own"})

    def settled():
        told = actions["DescribeEndpoint"]({"EndpointName": "own"})
        return told["EndpointStatus"] != "Creating" and told

    return soon(settled)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def load(shop, name, threads=4):
    """Ask as fast as possible from several connections; yields the outcomes so far."""
    outcomes: Counter[str] = Counter()
    stop = threading.Event()

    def run():
        rt = shop.rt
        while not stop.is_set():
            try:
                rt.invoke_endpoint(EndpointName=name, Body=b'{"sleep": 0.01}')["Body"].read()
                outcomes["ok"] += 1
            except (ClientError, BotoCoreError) as error:
                outcomes[f"{type(error).__name__}: {error}"] += 1

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for worker in workers:
            worker.join()


@pytest.fixture(scope="module")
def impatient(aws):
    """A runtime client that does not try again."""
    import boto3

    return boto3.session.Session().client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=16),
    )


def test_no_request_is_dropped_by_updates_weights_and_instances(aws, shop, impatient):
    shop.rt, patient = impatient, shop.rt
    model = shop.model()
    name = shop.endpoint(shop.variant("a", model), shop.variant("b", model))
    try:
        with load(shop, name) as outcomes:
            for _ in range(2):
                shop.weights(name, a=1.0, b=0.0)
                shop.wait(name)
                shop.update(name, shop.config(shop.variant("a", model), shop.variant("b", model)))
                shop.wait(name)
            shop.update(
                name,
                shop.config(shop.variant("b", model)),
                DeploymentConfig={
                    "BlueGreenUpdatePolicy": {
                        "TrafficRoutingConfiguration": {
                            "Type": "LINEAR",
                            "WaitIntervalInSeconds": 6,
                            "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
                        }
                    }
                },
            )
            shop.wait(name)
            sick = shop.config(shop.variant("b", shop.model(DIE_AT_START="1")))
            shop.update(name, sick)
            assert "ping health check" in shop.wait(name)["FailureReason"]
            until = time.monotonic() + 60
            while outcomes["ok"] <= 200 and time.monotonic() < until:
                time.sleep(0.1)
        assert set(outcomes) == {"ok"}
        assert outcomes["ok"] > 200
    finally:
        shop.rt = patient


def test_request_in_flight_is_finished_by_the_fleet_that_began_it(shop, tmp_path):
    name = shop.simple()
    old = shop.ask(name)["told"]
    answers = []

    def slow():
        answers.append(shop.ask(name, {"until": str(tmp_path / "now")})["told"]["pid"])

    asking = threading.Thread(target=slow)
    asking.start()
    time.sleep(0.2)
    shop.update(name, shop.config(shop.variant("main", shop.model())))
    new = soon(lambda: (told := shop.ask(name)["told"])["pid"] != old["pid"] and told)
    assert asking.is_alive(), "new fleet serves while the old one finishes"
    assert shop.status(name) == "Updating"
    (tmp_path / "now").touch()
    asking.join()
    assert answers == [old["pid"]]
    shop.wait(name)
    assert not alive(old["pid"])
    assert alive(new["pid"])
    shop.sm.delete_endpoint(EndpointName=name)
    soon(lambda: not alive(new["pid"]))


class BrokenAlarms:
    """Knows every alarm once, then breaks."""

    def __init__(self):
        self.asked = 0

    def alarm_state(self, name):
        self.asked += 1
        if self.asked > 1:
            raise LookupError(name)
        return "OK"


def test_bug_during_an_update_leaves_what_served_in_service(aws, shop, caplog):
    with hosting(aws, shop, alarms=BrokenAlarms()) as (room, actions):
        put_up(shop, actions)
        before = room.things()["endpoints"]["own"]["pids"]
        deployment = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "any"}]}}
        actions["UpdateEndpoint"](
            {
                "EndpointName": "own",
                "EndpointConfigName": "own",
                "DeploymentConfig": deployment,
            }
        )

        def settled():
            told = actions["DescribeEndpoint"]({"EndpointName": "own"})
            return told["EndpointStatus"] == "InService" and told

        told = soon(settled)
        assert "Request to service failed" in told["FailureReason"]
        assert room.invoke("own", {}, b"{}").status == 200
        assert room.things()["endpoints"]["own"]["pids"] == before
    assert "operation on endpoint own failed" in caplog.text


def test_isolated_model_gets_no_credentials(shop):
    def environment(name, **more):
        shop.sm.create_model(
            ModelName=name,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": shop.url},
            ExecutionRoleArn=ROLE,
            **more,
        )
        return shop.ask(shop.endpoint(shop.variant("main", name)))["told"]["environment"]

    assert "AWS_ACCESS_KEY_ID" in environment("open")
    isolated = environment("isolated", EnableNetworkIsolation=True)
    assert not [key for key in isolated if key.startswith("AWS_")]


def test_retired_variant_lets_nobody_in_and_the_request_looks_again(aws, shop):
    with hosting(aws, shop) as (room, actions):
        put_up(shop, actions)
        endpoint = room._endpoints._endpoints["own"]
        old, routes = endpoint.active, endpoint.routes
        variant = old.production["main"]
        assert variant.enter()
        variant.leave()
        actions["UpdateEndpoint"]({"EndpointName": "own", "EndpointConfigName": "own"})
        soon(lambda: endpoint.status == "InService")
        assert not variant.enter()
        # As if the request had read the routing table just before it was swapped.
        new, endpoint.routes = endpoint.routes, routes
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(room.invoke("own", {}, b"{}").status)
        )
        asking.start()
        time.sleep(0.2)
        assert not answers
        endpoint.routes = new
        asking.join(5)
        assert answers == [200]


def test_dead_process_is_started_anew_while_others_go_on(aws, shop, impatient):
    name = shop.endpoint(
        shop.variant("weak", shop.model(START_SECONDS="1")), shop.variant("strong", shop.model())
    )
    pid = shop.ask(name, TargetVariant="weak")["told"]["pid"]

    def impatiently(wish, variant="weak"):
        body = json.dumps(wish)
        return impatient.invoke_endpoint(EndpointName=name, Body=body, TargetVariant=variant)

    with pytest.raises(impatient.exceptions.ModelError) as failed:
        impatiently({"die": True})
    assert failed.value.response["OriginalStatusCode"] == 0
    assert "could not get a response" in failed.value.response["OriginalMessage"]
    with pytest.raises(ClientError) as failed:
        impatiently({})
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] in {424, 503}
    assert impatiently({}, "strong")["Body"].read()
    assert shop.status(name) == "InService"

    def back():
        try:
            return json.loads(impatiently({})["Body"].read())["pid"]
        except ClientError:
            return None

    assert soon(back) != pid


def test_kill_variant_acts_at_once(aws, shop, impatient):
    name = shop.endpoint(
        shop.variant("a", shop.model(START_SECONDS="1")), shop.variant("b", shop.model())
    )
    before = {v: shop.ask(name, TargetVariant=v)["told"]["pid"] for v in "ab"}
    fault = aws.faults.add("kill_variant", target=f"{name}/a")
    assert fault.hits == 1
    with pytest.raises(ClientError):
        impatient.invoke_endpoint(EndpointName=name, Body=b"{}", TargetVariant="a")
    assert shop.ask(name, TargetVariant="b")["told"]["pid"] == before["b"]

    def back():
        try:
            answer = impatient.invoke_endpoint(EndpointName=name, Body=b"{}", TargetVariant="a")
        except ClientError:
            return None
        return json.loads(answer["Body"].read())["pid"]

    assert soon(back) != before["a"]


def test_capacity_fault_fails_creation_update_and_scaling(aws, shop):
    config = shop.config(shop.variant("main", shop.model()))
    name = shop.name("endpoint")
    aws.faults.add("capacity", target=name)
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert "InsufficientInstanceCapacity" in shop.wait(name, "Failed")["FailureReason"]

    name = shop.simple()
    old = shop.describe(name)["EndpointConfigName"]
    aws.faults.add("capacity", target=name)
    shop.update(name, config)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "InsufficientInstanceCapacity" in told["FailureReason"]

    aws.faults.add("capacity", target=name)
    shop.sm.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 9}],
    )
    told = shop.wait(name)
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert told["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert "InsufficientInstanceCapacity" in told["FailureReason"]
    assert shop.ask(name)["told"]


def test_silent_rollback_looks_like_success_until_the_config_is_read(aws, shop):
    name = shop.simple()
    old = shop.describe(name)["EndpointConfigName"]
    new = shop.config(shop.variant("main", shop.model()))
    aws.faults.add("silent_rollback", target=name)
    shop.update(name, new)
    told = shop.wait(name)
    assert told["EndpointConfigName"] == old
    assert "FailureReason" not in told
    shop.update(name, new)
    assert shop.wait(name)["EndpointConfigName"] == new


def test_slow_start_takes_its_virtual_time(aws, shop):
    name = shop.name("endpoint")
    config = shop.config(shop.variant("main", shop.model()))
    aws.faults.add("slow_start", target=f"{name}/main", seconds=60)
    began = time.monotonic()
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    shop.wait(name)
    assert time.monotonic() - began >= 1.0


def test_silent_process_fails_at_its_timeout(aws, shop):
    with hosting(aws, shop, start_timeout_cap=0.5) as (room, actions):
        told = put_up(shop, actions, SICK="1")
        assert told["EndpointStatus"] == "Failed"
        assert "did not pass the ping health check" in told["FailureReason"]
        assert room.things()["endpoints"]["own"]["pids"] == {}


def test_model_timeout_is_a_model_error(aws, shop):
    watcher = Watcher()
    with hosting(aws, shop, watcher, model_timeout=1.0) as (room, actions):
        put_up(shop, actions)
        with pytest.raises(AwsFault, match="Your invocation timed out") as failed:
            room.invoke("own", {}, b'{"sleep": 5}')
        assert (failed.value.code, failed.value.status) == ("ModelError", 424)
        assert failed.value.extra["OriginalStatusCode"] == 0
        assert room.invoke("own", {}, b"{}").status == 200
    errors = watcher.values["AWS/SageMaker", "Invocation5XXErrors", "main"]
    assert errors == {1.0: 1, 0.0: 1}
    latencies = watcher.values["AWS/SageMaker", "ModelLatency", "main"]
    assert max(latencies) >= 1_000_000


def test_metrics_tell_what_happened(aws, shop):
    watcher = Watcher()
    with hosting(aws, shop, watcher, usage_period=30) as (room, actions):
        put_up(shop, actions, count=4)
        for status in [200] * 30 + [404] * 5 + [500] * 10:
            with suppress(AwsFault):
                room.invoke("own", {}, json.dumps({"status": status, "sleep": 0.002}).encode())
        busy = ("/aws/sagemaker/Endpoints", "CPUUtilization", "main")
        soon(lambda: watcher.values.get(busy))
        asked = ("AWS/SageMaker", "Invocations", "main")
        # Each metric is told in its own time: the first may be there before any of the second.
        soon(lambda: sum(watcher.values.get(asked, {}).values()) == 45)

    def of(name, namespace="AWS/SageMaker"):
        return watcher.values[namespace, name, "main"]

    assert of("Invocations") == {1.0: 45}
    assert of("InvocationsPerInstance") == {0.25: 45}
    assert of("Invocation4XXErrors") == {1.0: 5, 0.0: 40}
    assert of("Invocation5XXErrors") == {1.0: 10, 0.0: 35}
    assert of("InvocationModelErrors") == {1.0: 15, 0.0: 30}
    assert sum(of("ModelLatency").values()) == sum(of("OverheadLatency").values()) == 45
    assert 2_000 <= min(of("ModelLatency")) <= 100_000
    assert 0 < max(of("MemoryUtilization", "/aws/sagemaker/Endpoints")) < 50


def test_metrics_reach_cloudwatch(aws, shop):
    name = shop.simple()
    for _ in range(5):
        shop.ask(name)

    def total():
        answer = aws.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": name},
                {"Name": "VariantName", "Value": "main"},
            ],
            StartTime=aws.clock.now() - 3600,
            EndTime=aws.clock.now() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return sum(point["Sum"] for point in answer["Datapoints"])

    # The writer may publish between two requests, so that the sum comes in parts.
    soon(lambda: total() >= 5)
    assert total() == 5


def test_several_processes_share_a_variant(aws, shop):
    with hosting(aws, shop, processes_per_variant=2) as (room, actions):
        put_up(
            shop,
            actions,
            count=5,
            variant={"RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}},
        )
        pids = set(room.things()["endpoints"]["own"]["pids"]["main"])
        assert len(pids) == 2
        asked = {json.loads(room.invoke("own", {}, b"{}").body)["pid"] for _ in range(40)}
        assert asked == pids
        actions["UpdateEndpointWeightsAndCapacities"](
            {
                "EndpointName": "own",
                "DesiredWeightsAndCapacities": [{"VariantName": "main", "DesiredInstanceCount": 1}],
            }
        )
        soon(lambda: len(room.things()["endpoints"]["own"]["pids"]["main"]) == 1)
        assert room.invoke("own", {}, b"{}").status == 200


def test_serverless_variant_refuses_more_than_its_concurrency(aws, shop, tmp_path):
    serverless = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with hosting(aws, shop) as (room, actions):
        container = {"Image": IMAGE, "ModelDataUrl": shop.url, "Environment": {}}
        actions["CreateModel"](
            {"ModelName": "m", "PrimaryContainer": container, "ExecutionRoleArn": ROLE}
        )
        spec = {"VariantName": "main", "ModelName": "m", "ServerlessConfig": serverless}
        actions["CreateEndpointConfig"]({"EndpointConfigName": "c", "ProductionVariants": [spec]})
        actions["CreateEndpoint"]({"EndpointName": "own", "EndpointConfigName": "c"})
        soon(
            lambda: (
                actions["DescribeEndpoint"]({"EndpointName": "own"})["EndpointStatus"]
                == "InService"
            )
        )
        assert room.things()["endpoints"]["own"]["pids"]["main"] == []
        room.invoke("own", {}, b"{}")
        wish = json.dumps({"until": str(tmp_path / "now")}).encode()
        asking = threading.Thread(target=room.invoke, args=("own", {}, wish))
        asking.start()
        variant = room._endpoints._endpoints["own"].active.production["main"]
        soon(lambda: variant.inside == 1)
        with pytest.raises(AwsFault, match="Rate exceeded"):
            room.invoke("own", {}, b"{}")
        (tmp_path / "now").touch()
        asking.join()


def test_closing_ends_everything_even_in_the_middle_of_a_creation(aws, shop):
    with hosting(aws, shop) as (room, actions):
        put_up(shop, actions)
        actions["CreateEndpointConfig"](
            {
                "EndpointConfigName": "slow",
                "ProductionVariants": [shop.variant("main", "own"), shop.variant("b", "own")],
            }
        )
        actions["UpdateEndpoint"]({"EndpointName": "own", "EndpointConfigName": "slow"})
        soon(lambda: len(_children()) >= 1)
        pids = room.things()["endpoints"]["own"]["pids"]["main"]
        began = time.monotonic()
        room.close()
        assert time.monotonic() - began < 8
        assert not any(alive(pid) for pid in pids)
    time.sleep(0.2)
    ours = str(aws.world.state_dir)
    assert not [c for c in _children() if f"{ours}/own-" in c], "a serving process is left"


def _children():
    told = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True
    )
    return told.stdout.splitlines()


CUSTOMER = """
import sys, threading, time
sys.path[:0] = sys.argv[1:]
from embedded_aws import EmbeddedAws
from customer import CODE, TESTS
from customer.shop import Shop
aws = EmbeddedAws().start()
shop = Shop(aws.client)
name = shop.simple(WITH_CHILD="1")
began_by = next(iter(aws._rooms["hosting"].things()["endpoints"][name]["pids"]["main"]))
time.sleep(0.5)  # the deployment's own thread has ended by now
told = shop.ask(name)["told"]
print(began_by, told["pid"], told["child"], flush=True)
threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_serving_process_dies_with_a_killed_parent():
    process = subprocess.Popen(
        [sys.executable, "-c", CUSTOMER, TESTS, CODE],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            first, pid, child = map(int, process.stdout.readline().split())
            assert first == pid, "it died with the thread that deployed it"
            assert alive(pid)
            assert alive(child)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    soon(lambda: not alive(pid) and not alive(child), 5)


def test_model_without_a_program_says_so_in_the_log(aws, shop):
    shop.s3.put_object(Bucket=BUCKET, Key="empty.tar.gz", Body=archive(name="weights.txt"))
    name = shop.name("endpoint")
    config = shop.config(shop.variant("main", shop.model(url=f"s3://{BUCKET}/empty.tar.gz")))
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert "ping health check" in shop.wait(name, "Failed")["FailureReason"]
    logs = aws.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"

    def lines():
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return None
        return "\n".join(event["message"] for event in events)

    assert "inference.py" in soon(lines)

"""Serving processes: what they are given, how many stand by, how they die; none is left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import types

import pytest
from botocore.exceptions import ClientError
from customer import CODE, TESTS
from customer.shop import BUCKET, IMAGE, PROGRAM, ROLE, archive, soon
from rooms.hosting import alive, hosting, put_up

from embedded_aws.protocol.service import AwsFault

TIME_SCALE = 60.0


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


def test_silent_process_fails_at_its_timeout(aws, shop):
    with hosting(aws, shop, start_timeout_cap=0.5) as (room, actions):
        told = put_up(shop, actions, SICK="1")
        assert told["EndpointStatus"] == "Failed"
        assert "did not pass the ping health check" in told["FailureReason"]
        assert room.things()["endpoints"]["own"]["pids"] == {}


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


def scaled_to(actions, count):
    """The endpoint ``own`` once it has settled with so many instances asked for."""
    wish = [{"VariantName": "main", "DesiredInstanceCount": count}]
    actions["UpdateEndpointWeightsAndCapacities"](
        {"EndpointName": "own", "DesiredWeightsAndCapacities": wish}
    )

    def settled():
        told = actions["DescribeEndpoint"]({"EndpointName": "own"})
        return told["EndpointStatus"] == "InService" and told

    return soon(settled)


def test_a_new_instance_gets_the_model_data_of_that_moment(aws, shop):
    key = shop.name("moving") + ".tar.gz"

    def put(body):
        shop.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    put(archive())
    moving = types.SimpleNamespace(name=shop.name, variant=shop.variant)
    moving.url = f"s3://{BUCKET}/{key}"
    with hosting(aws, shop, processes_per_variant=3, weights_seconds=1) as (room, actions):
        put_up(moving, actions, count=1)
        put(archive(PROGRAM.replace('"name": env.get("NAME")', '"name": "newer"')))
        assert "FailureReason" not in scaled_to(actions, 2)

        def names():
            asked = (json.loads(room.invoke("own", {}, b"{}").body)["name"] for _ in range(40))
            return set(asked)

        assert names() == {None, "newer"}
        put(b"no archive")
        failed = scaled_to(actions, 3)
        assert failed["FailureReason"]
        assert failed["ProductionVariants"][0]["CurrentInstanceCount"] == 2
        assert names() == {None, "newer"}, "who served goes on"


def test_what_an_images_entry_point_refuses_does_not_serve(aws, shop, tmp_path):
    door = tmp_path / "door.py"
    door.write_text(
        "import os, sys\n"
        "if os.path.exists(os.environ['SM_MODEL_DIR'] + '/code/forbidden'): sys.exit('not this')\n"
        "os.execvp(sys.argv[1], sys.argv[1:])\n"
    )
    with hosting(aws, shop, entrypoint=shlex.join([sys.executable, str(door)])) as (room, actions):
        assert put_up(shop, actions)["EndpointStatus"] == "InService"
        assert room.invoke("own", {}, b"{}").status == 200
    key = shop.name("forbidden") + ".tar.gz"
    shop.s3.put_object(Bucket=BUCKET, Key=key, Body=archive(name="code/forbidden"))
    moving = types.SimpleNamespace(name=shop.name, variant=shop.variant)
    moving.url = f"s3://{BUCKET}/{key}"
    with hosting(aws, shop, entrypoint=shlex.join([sys.executable, str(door)])) as (_, actions):
        assert "ping health check" in put_up(moving, actions)["FailureReason"]


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

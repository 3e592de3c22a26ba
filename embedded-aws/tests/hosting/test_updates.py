"""Who asks while an endpoint changes is answered, and what fails leaves what served."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from customer.shop import soon
from rooms.hosting import alive, hosting, put_up

TIME_SCALE = 60.0


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

"""A hosting beside the embedded AWS's own, an endpoint on it, and whether its processes live."""

from __future__ import annotations

import dataclasses
import os
from contextlib import contextmanager

from customer.shop import IMAGE, ROLE, soon

from embedded_aws.hosting import Hosting, HostingSettings


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

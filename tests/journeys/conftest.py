"""The running stack, once for all journeys: embedded AWS, Prefect server, worker."""

import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest

from deployments.demo import generate
from deployments.demo.outside import Outside, Prefect
from deployments.laptop.environment import Laptop
from deployments.laptop.stack import command, stack
from tests.journeys.killing import DAYS, FIRST_DAY, NEW_DAY, killed_in_every_stage
from tests.ports import reserved_port

SCALE = 120.0
HANGS = 1800
"""Real seconds after which a journey hangs; what the product promises is held in the tests."""
LOG_LINES = 60
STACK = pytest.StashKey[Laptop]()
"""Whose logs a failed journey shows."""


def pytest_collection_modifyitems(items):
    """Only the signal lets fixtures end what they started; a thread would leave it running."""
    for item in items:
        if item.get_closest_marker("journey"):
            item.add_marker(pytest.mark.timeout(HANGS, method="signal"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A journey that failed shows the last that each part of the stack said."""
    report = yield
    if report.failed and STACK in item.session.stash:
        for log in sorted(item.session.stash[STACK].log("any").parent.glob("*.log")):
            last = log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"last lines of {log.name}", "\n".join(last)))
    return report


class Journey:
    """The stack and the views on it."""

    def __init__(self, laptop: Laptop) -> None:
        self.laptop = laptop
        self.prefect = Prefect(laptop)
        self.outside = Outside(laptop)

    def load(self, columns) -> None:
        """Put generated sales into the lake."""
        with tempfile.TemporaryDirectory() as scratch:
            generate.write_sales(Path(scratch), columns)
            command(self.laptop, "lake", "deployments.lake", "folder", scratch)

    def load_quiet_days(self) -> str:
        """Three more days of the same market, once or again; the last of them."""
        self.load(generate.property_sales(120, NEW_DAY, 3, seed=8))
        return str(NEW_DAY + timedelta(days=2))


@pytest.fixture(scope="session")
def journey(request, tmp_path_factory):
    laptop = Laptop(
        state=tmp_path_factory.mktemp("stack"),
        aws_port=reserved_port(),
        prefect_port=reserved_port(),
        time_scale=SCALE,
        time_epoch=time.time(),
    )
    request.session.stash[STACK] = laptop
    with stack(laptop, print) as running:
        whole = Journey(running)
        whole.load(generate.property_sales(2500, FIRST_DAY, DAYS, seed=3))
        yield whole
        whole.prefect.close()
        whole.outside.close()


@pytest.fixture(scope="session")
def survived(journey):
    """A first version that was released although its runs were killed in every stage."""
    return killed_in_every_stage(journey)

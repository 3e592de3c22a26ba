"""A page that somebody visits while the stack runs changes nothing and reads nothing, on any port.

Three pages try: one of a stranger's site, one of another port of this machine, and one under a name
that was turned to this machine, to which each port is its own origin. The same tries reach a server
that asks nobody.
"""

import contextlib
import time

import httpx
import psutil
import pytest
from playwright.sync_api import sync_playwright

from deployments.laptop.browser import find
from deployments.laptop.resources import client
from tasks.values import Pointer
from tests.journeys.pages import MARK, TRY, anybodys, ports, tried
from tests.journeys.test_ui import QUIET

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.timeout(300)]

REBOUND = "evil.example"
# What a browser may keep to itself one day is not what protects us.
LENIENT = (
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests,"
    "PrivateNetworkAccessRespectPreflightResults,HttpsUpgrades,HttpsFirstBalancedMode",
)


@pytest.fixture(scope="module")
def servers():
    with anybodys() as pages, anybodys() as victim:
        yield pages.server_port, victim


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=[*QUIET, *LENIENT])
        yield browser
        browser.close()


@pytest.fixture(params=["another site", "another port", "a rebound name"])
def attack(request, browser, servers):
    """Try everything on some ports, as one of the pages; what could be read of each."""
    context = browser.new_context()

    def begin(port: int):
        page = context.new_page()
        base, start = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{servers[0]}/"
        if request.param == "another site":
            start = f"http://{REBOUND}:{servers[0]}/"
        if request.param == "a rebound name":
            base = f"http://{REBOUND}:{port}"
            start = f"{base}/{MARK}"
            # The stranger's own server answers first; then its name is turned to us.
            page.route(start, lambda route: route.fulfill(body="<body>", content_type="text/html"))
        page.goto(start)
        page.evaluate(f"tries => {{ globalThis.read = ({TRY})(tries); }}", tried(base))
        return page

    def run(*ports: int) -> dict[int, list[str]]:
        pages = {port: begin(port) for port in ports}
        return {port: page.evaluate("globalThis.read") for port, page in pages.items()}

    yield run
    context.close()


@pytest.fixture(scope="module")
def clients(journey):
    """Clients by service: to make each anew takes longer than all that a page tries."""
    variables = journey.laptop.variables()
    made = {name: client(name, variables) for name in ("s3", "sqs", "sns", "cloudwatch")}
    yield made
    for one in made.values():
        one.close()


@pytest.fixture(scope="module")
def model(clients):
    """A model that the collector counts, so that a report of it would have an effect."""
    pointer = Pointer(
        model=MARK, version="v20260101_020000", timestamp="", actor="ann", reason="first"
    )
    where = {"Bucket": "sluice-models", "Key": f"{MARK}/latest.json"}
    clients["s3"].put_object(**where, Body=pointer.model_dump_json().encode())
    yield MARK
    clients["s3"].delete_object(**where)


def effects(journey, clients) -> dict[str, object]:
    """What only these pages would have done."""
    prefect = journey.prefect._http
    found = {
        f"objects in {bucket}": [
            item["Key"]
            for page in clients["s3"].get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for item in page.get("Contents", [])
            if MARK in item["Key"] and item["Key"] != f"{MARK}/latest.json"
        ]
        for bucket in ("sluice-lake", "sluice-models", "sluice-work")
    }
    secret = {"x-embedded-aws-secret": journey.laptop.variables()["AWS_SECRET_ACCESS_KEY"]}
    faults = f"{journey.laptop.aws_url}/_embedded/faults"
    flows = {"flows": {"name": {"any_": [MARK]}}}
    dimensions = [{"Name": "ModelName", "Value": MARK}]
    return {
        **found,
        "pointer": bool(journey.outside.latest(MARK)),
        "queues": clients["sqs"].list_queues(QueueNamePrefix=MARK).get("QueueUrls", []),
        "topics": [t for t in clients["sns"].list_topics()["Topics"] if MARK in t["TopicArn"]],
        "metrics": clients["cloudwatch"].list_metrics(Dimensions=dimensions)["Metrics"],
        "faults": httpx.get(faults, headers=secret).json()["faults"],
        "flows": prefect.post("/flows/filter", json=flows).json(),
        "variables": prefect.post("/variables/filter", json={}).json(),
        "events": journey.prefect.events(MARK),
    }


THE_UI = ': <!DOCTYPE html>\n<html lang="en">'
"""Any path below none of the API's is answered with its page, the same for everybody."""


def test_a_page_changes_nothing_and_reads_nothing(journey, clients, model, attack):
    found = ports(journey.laptop)
    assert {"prefect-server", "embedded-aws", "collector"} <= set(found.values())
    read = {
        f"{found[port]}, {line}"
        for port, lines in attack(*found).items()
        for line in lines
        if not (found[port] == "prefect-server" and THE_UI in line)
    }
    assert read == set()
    time.sleep(1)  # an event takes its time
    seen = effects(journey, clients)
    assert seen.pop("pointer")
    assert {what: found for what, found in seen.items() if found} == {}


def test_the_same_tries_reach_who_asks_nobody(attack, servers):
    _, victim = servers
    victim.reached.clear()
    [read] = attack(victim.server_port).values()
    methods = {method for method, _, _ in victim.reached}
    kinds = {kind for method, _, kind in victim.reached if method == "POST"}
    assert {"GET", "POST", "PUT", "DELETE"} <= methods
    assert {"text/plain", "application/json", "multipart/form-data",
            "application/x-www-form-urlencoded"} <= kinds  # fmt: skip
    assert any(kind == "websocket" for _, _, kind in victim.reached)
    assert any(line.startswith("GET /_embedded/things") for line in read)
    assert any(line.startswith("POST /api/flows/") for line in read)


def test_the_uis_sign_in_stays_with_its_own_name(journey, browser):
    """A page under a rebound name finds no credential: the UI keeps it for its origin alone."""
    context = browser.new_context()
    page = context.new_page()
    credential = journey.laptop.sign_in.read_text().strip()
    page.goto(journey.prefect.ui)
    page.get_by_role("textbox").fill(credential)
    page.get_by_role("textbox").press("Enter")
    page.get_by_text("Flow Runs").first.wait_for()
    kept = page.evaluate("atob(localStorage.getItem('prefect-password'))")
    assert kept == credential
    page.goto(f"http://{REBOUND}:{journey.laptop.prefect_port}/ui-settings")
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    context.close()


def test_what_the_parts_are_known_by_lies_in_its_files_alone(journey):
    folder = journey.laptop.credentials
    kept = {path.name: path.read_bytes().strip() for path in folder.iterdir()}
    assert set(kept) == {"prefect", "aws", "signing.pem", "signing.pub.pem"}
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir() if "pub" not in path.name} == {
        0
    }
    secrets = [kept["prefect"], kept["aws"], kept["signing.pem"].splitlines()[1]]
    found = []
    for path in journey.laptop.state.rglob("*"):
        with contextlib.suppress(OSError):  # a running job's files come and go
            if path.is_file() and folder not in path.parents:
                held = path.read_bytes()
                found += [path for secret in secrets if secret in held]
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ()).encode()
        found += [process for secret in secrets if secret in line]
    assert found == []

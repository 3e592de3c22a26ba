"""How runs of releases end: the state's name, what is shown, and who is looked after."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from benchmarks.release import testbed
from tasks.release import advance, start_release
from tasks.release.journal.store import current_key
from tasks.reports.artifacts import key_for
from tasks.settings import settings

TIME_SCALE = 120.0
MODEL = testbed.MODEL
QUICK = {"ladder": (0.3, 0.5), "watch_seconds": 120}

pytestmark = pytest.mark.timeout(1800)


def ask(what: Any) -> Any:
    """An answer of the Prefect server."""
    from prefect.client.orchestration import get_client

    async def answer() -> Any:
        async with get_client() as client:
            return await what(client)

    return asyncio.run(answer())


def page(key: str) -> str:
    """The newest artifact of a key."""

    async def newest(client: Any) -> str:
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
        from prefect.client.schemas.sorting import ArtifactSort

        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])),
            sort=ArtifactSort.CREATED_DESC,
        )
        return str(found[0].data)

    return str(ask(newest))


@pytest.fixture(scope="module")
def second(installation: Any) -> str:
    """A second version, which serves."""
    from flows.release import release

    version = installation.publish()
    with testbed.LoadGenerator(installation.aws.endpoint_url):
        ended = release(MODEL, version, "weekly", return_state=True)
    assert ended.name == "Completed", ended.message
    told = page(key_for("summary", MODEL))
    assert told.startswith(f"# {MODEL}: {version} serves")
    assert f"-p to_version={installation.first}" in told
    checked = page(key_for("checklist", MODEL))
    assert checked.startswith(f"# ? Release checklist of {MODEL} {version}")
    (address,) = set(re.findall(r"_releases/[\w-]+/[\w-]+/checklist\.json", checked))
    lines = {check["name"]: check for check in installation.read_json(address)["checks"]}
    assert lines["rollback plan"]["observed"] == f"to {installation.first}"
    shown = {"versioned upload", "health", "alarms", "service level", "error rate", "rollback plan"}
    assert {lines[name]["outcome"] for name in shown} == {"pass"}
    assert lines["accuracy"]["outcome"] == "inconclusive", "its bundle never passed a gate"
    return str(version)


def test_a_release_that_is_taken_back_is_no_crash_and_no_success(
    installation: Any, second: str
) -> None:
    from flows.endings import released
    from flows.release import release, release_within

    bad = installation.publish(errors=0.6)
    with testbed.LoadGenerator(installation.aws.endpoint_url):
        ended = release(MODEL, bad, "a bad one", return_state=True)
    assert (ended.name, ended.is_completed()) == ("RolledBack", True), ended.message
    assert not released(ended)
    assert f"From {bad} to {second}." in str(ended.message)
    assert installation.serves() == second
    assert f"{second}, which serves again" in page(key_for("release", MODEL))
    summary = page(key_for("summary", MODEL))
    assert summary.startswith(f"# {MODEL}: {second} serves")
    assert bad in summary, "the summary tells how this run ended"

    dead = installation.publish(dies=True)
    within = release_within(MODEL, dead, "within another run")
    assert (within.name, released(within)) == ("RolledBack", False)
    assert "no weights, no service" in str(within.message)
    assert "no weights, no service" in page(key_for("release", MODEL))


def test_of_two_releases_the_loser_is_superseded(installation: Any, second: str) -> None:
    from flows.endings import released
    from flows.release import release

    version, late = installation.publish(), installation.publish()
    owner = testbed.context("somebody else", testbed.spec())
    start_release(owner, MODEL, version, "ann", "first come")
    ended = release(MODEL, late, "second come", return_state=True)
    assert (ended.name, ended.is_completed(), released(ended)) == ("Superseded", True, False)
    assert "is planned (owner somebody else)" in str(ended.message)
    back = rolled_back("never mind")
    assert back.name == "Completed", back.message
    assert installation.serves() == second


def rolled_back(reason: str, to_version: str = "") -> Any:
    from flows.rollback import rollback

    return rollback(MODEL, reason, to_version, return_state=True)


def test_a_rollback_says_from_where_to_where_and_how_to_undo_it(
    installation: Any, second: str
) -> None:
    ended = rolled_back("customers complain", installation.first)
    assert ended.name == "Completed", ended.message
    assert str(ended.message) == (
        f"{MODEL}: customers complain. From {second} to {installation.first}."
    )
    assert installation.serves() == installation.first
    mail = installation.told()[f"Rolled back: {MODEL} {second}"][-1]
    assert f"From {second} to {installation.first}." in mail
    summary = page(key_for("summary", MODEL))
    assert summary.startswith(f"# {MODEL}: {installation.first} serves")
    assert "| put back |" in summary
    again = rolled_back("the other was better", second)
    assert again.name == "Completed", again.message
    assert installation.serves() == second


@pytest.fixture
def left(installation: Any, second: str) -> tuple[str, UUID]:
    """A canary that a person cancelled: its version, and the run whose page stands still."""

    async def begin(client: Any) -> UUID:
        from prefect.states import Running

        from flows.release import release

        run = await client.create_flow_run(release, name="the cancelled one", state=Running())
        return UUID(str(run.id))

    run = ask(begin)
    version = str(installation.publish())
    context = testbed.context(f"flow-run/{run}", testbed.spec(**QUICK), lease_seconds=240.0)
    start_release(context, MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(installation.aws.endpoint_url):
        while not advance(context, MODEL).journal.moves:
            time.sleep(0.05)

    async def cancel(client: Any) -> None:
        from prefect.client.schemas.actions import ArtifactCreate
        from prefect.states import Cancelled

        stale = ArtifactCreate(
            key=key_for("release", MODEL),
            type="markdown",
            data="has 40% of the traffic",
            flow_run_id=run,
        )
        await client.create_artifact(stale)
        await client.set_flow_run_state(run, Cancelled(), force=True)

    ask(cancel)
    return version, run


def page_of(run: UUID) -> str:
    """What a run's own page says."""

    async def read(client: Any) -> str:
        from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
        return str(found[0].data)

    return str(ask(read))


def test_reconcile_says_who_cancelled_corrects_the_page_and_stops_at_no_damaged_journal(
    installation: Any, left: tuple[str, UUID], second: str
) -> None:
    from flows.reconcile import reconcile

    version, run = left
    # Two models more: of one the journal is damaged, of the other it is of a later Sluice.
    damage = {"a-damaged": b"{half a journal", "z-later": b'{"schema_version": 9}'}
    for name, body in damage.items():
        folder = Path(settings().models_dir) / name
        folder.mkdir()
        told = {**json.loads(testbed.spec().model_dump_json()), "name": name}
        (folder / "model.yaml").write_text(json.dumps(told))
        s3 = installation.aws.client("s3")
        s3.put_object(Bucket=testbed.BUCKET, Key=current_key(name), Body=body)
    time.sleep(240.0 / TIME_SCALE)  # the lease
    deadline = time.monotonic() + 120
    while True:
        ended = reconcile(return_state=True)
        standing = json.loads(
            installation.aws.client("s3")
            .get_object(Bucket=testbed.BUCKET, Key=current_key(MODEL))["Body"]
            .read()
        )
        if standing["phase"] == "rolled_back":
            break
        assert time.monotonic() < deadline, ended.message
    assert ended.name == "Failed", "a person must mend the two journals"
    for name in damage:
        assert f"s3://{testbed.BUCKET}/{current_key(name)}" in str(ended.message)
    assert "Next: Put its last good version back" in str(ended.message)
    assert "of format 9; this program reads 1" in str(ended.message)
    mails = installation.told()
    for name in damage:
        assert (
            f"s3://{testbed.BUCKET}/{current_key(name)}" in mails[f"{name}: release unreadable"][0]
        )

    assert "a person cancelled the run the cancelled one" in standing["verdict"]
    assert standing["verdict"].endswith(f"From {version} to {second}.")
    corrected = page_of(run)
    assert "rolled back" in corrected
    assert "a person cancelled the run the cancelled one" in corrected
    assert installation.serves() == second
    # It was undone, which says nothing against it: it still waits for its release.
    [waiting] = installation.aws.client("sagemaker").list_model_packages(
        ModelPackageGroupName=f"sluice-{MODEL}", ModelApprovalStatus="PendingManualApproval"
    )["ModelPackageSummaryList"]
    assert waiting["ModelPackageDescription"] == f"{MODEL} {version}"

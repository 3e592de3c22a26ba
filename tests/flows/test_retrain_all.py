"""Every model in a run of its own: what becomes of each, and what of the run around them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Failed, Running, State

from benchmarks.release import testbed
from flows.retrain_all import retrain_all
from tasks.errors import ConfigurationError
from tasks.settings import settings

LIMIT_SECONDS = 120.0


@flow(name="retrain")
def retraining(model: str, reason: str = "", end: str = "", epochs: int = 0) -> None:
    """Stands for the deployment; the test says how its runs go."""


class Runs:
    """The runs of retrain/manual on the server."""

    def __init__(self) -> None:
        retraining.to_deployment("manual").apply()
        self.before = {run.id for run in self.all()}

    def all(self) -> list[FlowRun]:
        with get_client(sync_client=True) as client:
            return [run for run in client.read_flow_runs() if "model" in run.parameters]

    def new(self, count: int) -> dict[str, FlowRun]:
        """Runs that were started since, by model."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            runs = {r.parameters["model"]: r for r in self.all() if r.id not in self.before}
            if len(runs) >= count:
                return runs
            assert time.monotonic() < deadline, f"only {sorted(runs)} were started"
            time.sleep(0.1)

    def end(self, run: FlowRun, state: State[Any]) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Running(), force=True)
            client.set_flow_run_state(run.id, state, force=True)


@pytest.fixture
def runs(installation: Any) -> Runs:
    return Runs()


@pytest.fixture
def three_models(
    installation: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for name in (testbed.MODEL, "broken", "weak"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.yaml").write_text("{}", "utf-8")
    monkeypatch.setenv("SLUICE_MODELS_DIR", str(tmp_path))
    settings.cache_clear()
    yield
    settings.cache_clear()


def beside(work: Callable[[], None], **parameters: Any) -> State[Any]:
    """The end of a retraining of all, while a test decides how each run goes."""
    hand = threading.Thread(target=work)
    hand.start()
    ended: State[Any] = retrain_all(**parameters, return_state=True)
    hand.join()
    return ended


def test_one_that_fails_stops_no_other_and_is_named(
    installation: Any, runs: Runs, three_models: None
) -> None:
    def decide() -> None:
        started = runs.new(3)
        assert {run.parameters["reason"] for run in started.values()} == {"weekly"}
        assert {run.parameters.get("end") for run in started.values()} == {"2026-01-31"}
        runs.end(started["broken"], Failed(message="no data"))
        runs.end(started["weak"], Completed(name="Rejected", message="mae 3 > 2"))
        runs.end(started[testbed.MODEL], Completed(message="serves alone"))

    ended = beside(decide, reason="weekly", end="2026-01-31")
    assert ended.is_failed()
    assert ended.message == (
        "Needs a person: broken (Failed: no data). 3 of 3 models: 1 Completed, 1 Failed, "
        "1 Rejected."
    )
    with get_client(sync_client=True) as client:
        latest = client.request("POST", "/artifacts/latest/filter", json={}).json()
    [page] = [artifact["data"] for artifact in latest if artifact["key"] == "retrain-all"]
    assert page.startswith("# Ended: 3 of 3 models")
    assert str(installation.serves()) in page, "what serves now"


def test_what_is_left_out_is_not_started(runs: Runs, three_models: None) -> None:
    def decide() -> None:
        for run in runs.new(1).values():
            runs.end(run, Completed(message="Nothing new"))

    ended = beside(decide, models=["weak", "broken"], leave_out=["broken"])
    assert ended.is_completed()
    assert set(runs.new(1)) == {"weak"}


def test_a_model_that_does_not_exist_is_refused_before_anything_starts(
    runs: Runs, three_models: None
) -> None:
    with pytest.raises(ConfigurationError, match=r"no model 'weka'.*broken, toy-model, weak"):
        retrain_all(models=["weka"])
    assert not runs.new(0)


def test_no_model_is_no_failure(runs: Runs, three_models: None) -> None:
    assert retrain_all(
        leave_out=["broken", "weak", testbed.MODEL], return_state=True
    ).is_completed()

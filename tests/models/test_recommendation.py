"""recommendation, trained by its own model.yaml on generated weeks, and asked about later ones."""

import json
from datetime import date

import numpy as np
import pytest

from benchmarks.training.job import run_job
from deployments.demo.restaurants import restaurant_interactions
from models.runtime.bundle import Bundle
from models.runtime.rankings import peers
from models.runtime.serving.app import Model
from models.runtime.tables.cells import BadInput
from tasks.contracts import load_contract
from tasks.errors import InvalidModelSpec
from tasks.model_check import require_sound
from tasks.model_spec import load_model_spec
from tasks.settings import Settings
from tests.models.trained import ROOT, write_channel

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(60)]

SPEC = load_model_spec("recommendation", ROOT / "models")
START, DAYS, ROWS = date(2026, 1, 1), 120, 16_000
HELD = np.datetime64(START) + DAYS - SPEC.data.holdout_days


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A finished job: the folder that it left, and what it printed."""
    base = tmp_path_factory.mktemp("job")
    made = restaurant_interactions(ROWS, START, DAYS, seed=7)
    made.pop("broken")
    late = made["occurred_at"] >= HELD
    for side, chosen in (("training", ~late), ("holdout", late)):
        write_channel(base / "input/data" / side, made, chosen, SPEC.data.dataset)
    return base, run_job(SPEC.name, SPEC.composition, SPEC.training.hyperparameters, base)


@pytest.fixture(scope="module")
def sides(job):
    bundle = Bundle.load(job[0] / "model")
    return bundle, *(bundle.read(job[0] / "input/data" / side) for side in ("training", "holdout"))


def test_it_foresees_later_weeks_better_than_fame_and_than_factorisation(job, sides):
    bundle, training, holdout = sides
    task = bundle.task
    metrics = json.loads((job[0] / "output/data/metrics.json").read_text("utf-8"))
    ours = bundle.measure(holdout.labels, bundle.predicted(holdout.inputs))
    assert metrics["candidate"] == pytest.approx(ours, rel=1e-6)
    matrix = peers.taken(task.targets(training.labels), len(task.items))
    at = bundle.input.plain(holdout.inputs)[:, 0].astype(int) - 1
    seen = matrix[at].multiply((at >= 0)[:, None]).tocsr()
    seen.eliminate_zeros()
    nothing = np.zeros((len(at), 1), np.float32), np.zeros((len(task.items), 1), np.float32)
    listed = peers.ordered(*nothing, peers.popularity(matrix), seen, task.most)
    famous = task.predicted(dict(zip(("items", "scores"), listed, strict=True)))
    fame = task.measure(holdout.labels, famous)
    assert ours["ndcg"] > 2 * fame["ndcg"]
    assert ours["recall"] > 1.5 * fame["recall"]
    assert ours["ndcg"] > metrics["baseline"]["ndcg"] > 1.3 * fame["ndcg"]
    assert ours["coverage"] > 2.5 * fame["coverage"]
    for gate in SPEC.gates:
        assert gate.at_least is None or ours[gate.metric] >= gate.at_least


def test_its_scores_are_chances_that_can_be_believed(sides):
    bundle, _, holdout = sides
    predicted = bundle.predicted(holdout.inputs)
    errors = bundle.task.errors(holdout.labels, predicted)
    assert abs(errors["residual"].mean()) < 0.03
    assert ((predicted[:, 100:] >= 0) & (predicted[:, 100:] <= 1)).all()
    assert np.isfinite(errors["error"]).all()


def test_a_stranger_is_told_by_his_attributes(sides):
    """Rows that name nobody known, beside what most people take."""
    bundle, _, holdout = sides
    task = bundle.task
    name = SPEC.composition.features
    user = next(column for column, role in name.items() if role == "user")
    strangers = {**holdout.inputs, user: np.full(len(holdout), "nobody", dtype=object)}
    bare = {**strangers, "guest_segment": np.full(len(holdout), "", dtype=object),
            "home_district": np.full(len(holdout), "", dtype=object)}  # fmt: skip
    told = task.measure(holdout.labels, bundle.predicted(strangers))
    untold = task.measure(holdout.labels, bundle.predicted(bare))
    assert told["ndcg"] > 1.2 * untold["ndcg"]
    assert untold["ndcg"] > 0.01


def test_it_serves_what_a_client_asks_for(job, sides):
    _, training, _ = sides
    model = Model(job[0] / "model")
    model.test_itself()
    user = str(training.ids[3])
    asked = {"user_id": user, "guest_segment": "couple", "home_district": "park"}
    answers, scores = model.predict([
        {**asked, "k": 100},
        {**asked, "k": 5},
        {**asked, "k": 100, "exclude_seen": False},
        {"user_id": "nobody at all"},
    ])  # fmt: skip
    assert [len(answer["items"]) for answer in answers] == [100, 5, 100, SPEC_K]
    assert answers[1]["items"] == answers[0]["items"][:5]
    assert scores == [answer["items"][0]["score"] for answer in answers]
    known = set(training.labels[3])
    listed = [{entry["item"] for entry in answer["items"]} for answer in answers]
    assert not listed[0] & known
    assert listed[2] & known
    with pytest.raises(BadInput, match="instance 0: 'k' is 101; ask for 1 to 100 items"):
        model.predict([{**asked, "k": 101}])


def test_edge_formats_are_refused_before_a_job_is_paid_for():
    from tasks.specs.conversion import ConversionSpec

    wanted = ConversionSpec.model_validate({"tflite_float16": {}})
    contract = load_contract(SPEC.data.dataset, ROOT / "data_contracts")
    with pytest.raises(
        InvalidModelSpec, match=r"two-towers makes no tflite_float16.*leave the for"
    ):
        require_sound(
            SPEC.model_copy(update={"conversion": wanted}),
            contract,
            ROOT / "models" / SPEC.name,
            Settings(),
        )


SPEC_K = SPEC.training.hyperparameters["k"]

"""Each shipped image model, trained by its own model.yaml but small, on made photos."""

from dataclasses import dataclass
from datetime import date

import pytest

from deployments.demo.amenities import AMENITIES
from deployments.demo.buildings import BUILDINGS
from deployments.demo.photos import Album, write_photos
from deployments.demo.wear import CONDITIONS
from models.runtime.baseline import plain_predictions
from models.runtime.bundle import Bundle
from models.runtime.own import OwnCode
from models.runtime.script_mode import Hyperparameters, Job
from models.runtime.split import COLUMNS
from models.runtime.train import Stopwatch, fitting_of, prepare
from tasks.model_spec import load_model_spec
from tests.models.trained import ROOT, columns_text

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(60)]
DAY = date(2026, 1, 5)


ROWS, HELD_OUT = 420, 160
FEW = {
    "epochs": 12,
    "batch_size": 16,
    "side": 48,
    # What varies takes longer to learn than this lasts.
    **dict.fromkeys(("shift", "zoom", "light", "dropout"), 0),
}


@dataclass(frozen=True)
class Small:
    """What is learned, and by how much the network must beat a linear model of thumbnails."""

    album: Album
    metric: str
    margin: float


SMALL = {
    "property-classifier": Small(BUILDINGS, "accuracy", 0.2),
    "condition-assessment": Small(CONDITIONS, "accuracy", 0.1),
    "feature-detection": Small(AMENITIES, "macro_f1", 0.1),
}


@pytest.fixture(scope="module", params=sorted(SMALL))
def learned(request, tmp_path_factory):
    """Model name, what the network and the plain model measure, and what was never asked for."""
    return request.param, *trained(request.param, tmp_path_factory.mktemp("photos"))


def trained(name, base):
    small, spec = SMALL[name], load_model_spec(name, ROOT / "models")
    channels = {side: base / side / small.album.dataset for side in ("training", "holdout")}
    for seed, (side, rows) in enumerate({"training": ROWS, "holdout": HELD_OUT}.items()):
        write_photos(base / side, small.album, rows, DAY, 1, seed=seed)
        (channels[side] / COLUMNS).write_text(columns_text(small.album.dataset), "utf-8")
    hyperparameters = Hyperparameters(spec.training.hyperparameters | FEW)
    job = Job(base, base / "model", base / "output", channels, hyperparameters)
    family = spec.composition
    ready = prepare(job, family, OwnCode())
    fitting = fitting_of(job, family, OwnCode(), ready, Stopwatch())
    fitted = family.new_backend().fit(fitting)
    model = Bundle(family, ready.spec, fitted.predictor, OwnCode())
    measured = model.measure(ready.holdout.labels, model.predicted(ready.holdout.inputs))
    plain = plain_predictions(family, ready.spec, ready.training, ready.holdout)
    return measured, model.measure(ready.holdout.labels, plain), job.hyperparameters.unused


def test_it_beats_a_linear_model_of_thumbnails(learned):
    name, measured, plain, _ = learned
    small = SMALL[name]
    assert measured[small.metric] > plain[small.metric] + small.margin


def test_every_hyperparameter_of_its_model_yaml_is_asked_for(learned):
    assert learned[-1] == ()

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
from models.runtime.train import Stopwatch, fit, prepare
from tasks.model_spec import load_model_spec
from tests.models.trained import ROOT, columns_text

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(60)]
DAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Small:
    """How little is enough, and by how much the network must beat a linear model of thumbnails."""

    album: Album
    rows: int
    epochs: int
    metric: str
    margin: float
    side: int = 32


SMALL = {
    "property-classifier": Small(BUILDINGS, 480, 14, "accuracy", 0.2),
    "condition-assessment": Small(CONDITIONS, 480, 14, "accuracy", 0.15),
    "feature-detection": Small(AMENITIES, 480, 14, "macro_f1", 0.05),
}


@pytest.fixture(scope="module", params=sorted(SMALL))
def learned(request, tmp_path_factory):
    """Model name, what the network and the plain model measure, and what was never asked for."""
    return request.param, *trained(request.param, tmp_path_factory.mktemp("photos"))


def trained(name, base, **changes):
    small, spec = SMALL[name], load_model_spec(name, ROOT / "models")
    channels = {side: base / side / small.album.dataset for side in ("training", "holdout")}
    for seed, (side, folder) in enumerate(channels.items()):
        rows = small.rows // (1 + 2 * seed)
        write_photos(base / side, small.album, rows, DAY, 1, seed=seed)
        (folder / COLUMNS).write_text(columns_text(small.album.dataset), "utf-8")
    few = {"epochs": small.epochs, "side": small.side, **changes}
    hyperparameters = Hyperparameters(spec.training.hyperparameters | few)
    job = Job(base, base / "model", base / "output", channels, hyperparameters)
    family = spec.composition
    ready = prepare(job, family, OwnCode())
    fitted = fit(job, family, OwnCode(), ready, Stopwatch())
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

"""Every task and input with every backend: trained, served, measured again, followed, resumed.

What Keras trains has its own file: it also converts, and takes TensorFlow's start each time.
"""

import pytest

from models.runtime.family import names_of
from tests.models import composition_steps as steps
from tests.models.conformance import (
    KERAS,
    ONE_THREAD,
    compositions,
    prepare,
    run,
    run_interrupted,
    stopped_and_resumed,
)
from tests.models.warm import warm_starts

BACKENDS = tuple(name for name in names_of("backends") if name not in KERAS)
FAMILIES = tuple(family for backend in BACKENDS for family in compositions(backend))


LIBRARIES = ("PIL.Image", "pyarrow.parquet", "scipy.sparse", "skops.io", "sklearn.ensemble")


@pytest.fixture(scope="module")
def begin():
    with warm_starts(*LIBRARIES, **ONE_THREAD) as started:
        yield started


@pytest.fixture(scope="module", params=FAMILIES, ids="-".join)
def done(request, begin, tmp_path_factory):
    return run_interrupted(tmp_path_factory.mktemp("job"), *request.param, begin)


def test_it_measured_what_its_task_declares(done):
    steps.it_measured_what_its_task_declares(done)


def test_it_went_on_where_a_stopped_job_was(done):
    steps.it_went_on_where_a_stopped_job_was(done)


def test_it_logs_what_a_draft_draws(done):
    steps.it_logs_what_a_draft_draws(done)


def test_it_serves_and_refuses_bad_input(done):
    steps.it_serves_and_refuses_bad_input(done)


def test_it_measures_itself_again_as_its_job_did(done, tmp_path):
    steps.it_measures_itself_again(done, tmp_path)


def test_its_error_can_be_followed_on_new_rows(done, tmp_path):
    steps.its_error_can_be_followed(done, tmp_path)


def test_it_offers_only_formats_that_are_known(done):
    steps.it_offers_only_formats_that_are_known(done)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_stopped_job_leaves_no_model_and_the_next_one_reaches_the_same(backend, tmp_path):
    prepare(tmp_path, "regression", "tabular", backend)
    status, stopped, _ = stopped_and_resumed(tmp_path)
    assert status == 143, stopped
    straight = run(tmp_path / "straight", "regression", "tabular", backend)
    again = (tmp_path / "output/data/metrics.json").read_text("utf-8")
    assert steps.json.loads(again)["candidate"] == straight.metrics()["candidate"]

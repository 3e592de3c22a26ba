"""Every task and input with what Keras trains: served, measured again, followed, converted.

Each is stopped on its way and gone on with; that this changes no weight is shown by
test_training_job.py, with the same backend.
"""

import pytest

from tasks.conversion.convert import convert_model, require
from tasks.specs.conversion import ConversionSpec
from tests.models import composition_steps as steps
from tests.models.conformance import KERAS, ONE_THREAD, compositions, run_interrupted
from tests.models.warm import NETWORKS, warm_starts

pytestmark = pytest.mark.tensorflow
FAMILIES = tuple(family for backend in KERAS for family in compositions(backend))


@pytest.fixture(scope="module")
def begin():
    with warm_starts(NETWORKS, **ONE_THREAD, TF_CPP_MIN_LOG_LEVEL="2") as started:
        yield started


@pytest.fixture(scope="module", params=FAMILIES, ids="-".join)
def done(request, begin, tmp_path_factory):
    return run_interrupted(tmp_path_factory.mktemp("job"), *request.param, begin)


def test_it_measured_what_its_task_declares(done):
    steps.it_measured_what_its_task_declares(done)
    assert "epoch=3 " in done.log


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


def test_it_converts_to_a_format_that_its_backend_offers(done, tmp_path):
    steps.it_offers_only_formats_that_are_known(done)
    if not done.family.new_backend().formats:
        pytest.skip(f"{done.family.backend} makes no edge format")
    import tarfile

    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as made:
        made.add(done.model, ".")
    spec = ConversionSpec.model_validate(
        {"tflite_float16": {"max_bytes": 1_000_000, "max_error": 0.01}}
    )
    calibration = done.base / "output/data/calibration.npz"
    report = convert_model(archive, spec, calibration, tmp_path / "edge", done.family.task)
    require(report)
    assert (tmp_path / "edge" / "tflite").is_dir()

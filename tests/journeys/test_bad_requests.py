"""A bad request of each kind: one clear error, before anything is spent."""

import pytest

pytestmark = pytest.mark.journey

MODEL = "price-estimator"


def wrong_model(journey):
    return {"model": "price-estimater"}, {}


def nothing_in_the_window(journey):
    return {"model": MODEL, "end": "2019-01-01"}, {}


def missing_bucket(journey):
    return {"model": MODEL}, {"SLUICE_LAKE_BUCKET": "no-such-lake"}


def contract_missing(journey):
    empty = journey.laptop.state / "no-contracts"
    empty.mkdir(exist_ok=True)
    return {"model": MODEL}, {"SLUICE_CONTRACTS_DIR": str(empty)}


def broken_model_yaml(journey):
    folder = journey.laptop.state / "models" / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text("name: price-estimator\nfamliy: tabular\n")
    return {"model": MODEL}, {"SLUICE_MODELS_DIR": str(folder.parent)}


def no_room_on_disk(journey):
    return {"model": MODEL}, {"SLUICE_CACHE_RESERVE_GB": "1e9"}


BAD = {
    "UnknownModel": (
        wrong_model,
        "Use one of condition-assessment, feature-detection, partner-match, price-estimator",
    ),
    "NoDataInWindow": (nothing_in_the_window, "the lake holds 2026-01-05"),
    "BucketMissing": (missing_bucket, "'no-such-lake'"),
    "ContractMissing": (contract_missing, "property_sales"),
    "InvalidModelSpec": (broken_model_yaml, "famliy"),
    "DiskFull": (no_room_on_disk, "SLUICE_CACHE_DIR"),
}


@pytest.fixture(scope="module")
def refused(journey):
    """All bad requests at once: each run is a process of its own."""
    jobs = journey.outside.jobs()
    runs = {}
    for error, (make, _) in BAD.items():
        parameters, environment = make(journey)
        runs[error] = journey.prefect.start(
            "retrain/manual", parameters, environment=environment, validate=False
        )
    ended = {error: journey.prefect.ended(run) for error, run in runs.items()}
    assert journey.outside.jobs() == jobs, "a bad request was paid for"
    return ended


@pytest.mark.parametrize("error", BAD)
def test_a_bad_request_is_one_clear_error(refused, error):
    run = refused[error]
    message = run["state"]["message"]
    assert run["state_type"] == "FAILED"
    assert error in message
    assert BAD[error][1] in message
    assert "Next: " in message

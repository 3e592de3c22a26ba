"""Who decides how a job sends its records: the request, then the model, then the defaults."""

import json

import pytest

from embedded_aws.transform.parameters import Parameters, settled, variables

ASKED = {"MaxConcurrentTransforms": 2, "MaxPayloadInMB": 3, "BatchStrategy": "SingleRecord"}
TOLD = {"MaxConcurrentTransforms": 5, "MaxPayloadInMB": 7, "BatchStrategy": "SINGLE_RECORD"}


def test_the_request_goes_before_the_model_and_the_model_before_the_defaults():
    told = json.dumps(TOLD).encode()
    assert settled({}, b"") == Parameters(1, 6, "MULTI_RECORD")
    assert settled({}, told) == Parameters(5, 7, "SINGLE_RECORD")
    assert settled(ASKED, told) == Parameters(2, 3, "SINGLE_RECORD")
    assert settled({"MaxPayloadInMB": 3}, told) == Parameters(5, 3, "SINGLE_RECORD")
    assert settled({"BatchStrategy": "MultiRecord"}, told).strategy == "MULTI_RECORD"
    assert settled({"MaxConcurrentTransforms": 0}, told).concurrent == 5
    assert settled({}, b"").limit == 6 * 1024 * 1024


@pytest.mark.parametrize(
    "answer",
    [
        b"ok",
        b"\xff",
        b"[1]",
        b"7",
        b'{"MaxConcurrentTransforms": "4", "MaxPayloadInMB": -1, "BatchStrategy": "Some"}',
        b'{"MaxConcurrentTransforms": true, "MaxPayloadInMB": 1.5, "BatchStrategy": ["x"]}',
    ],
)
def test_an_answer_that_says_nothing_of_it_changes_nothing(answer):
    assert settled({}, answer) == Parameters()


def test_containers_hear_what_was_asked_for():
    assert variables({}) == {"SAGEMAKER_BATCH": "true"}
    assert variables(ASKED) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "3",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
    }

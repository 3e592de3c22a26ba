import json
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 60


@pytest.fixture
def ask(aws):
    def ask(method, path, value=None):
        data = None if value is None else json.dumps(value).encode()
        secret = {"x-embedded-aws-secret": aws.environment()["AWS_SECRET_ACCESS_KEY"]}
        request = urllib.request.Request(
            f"{aws.endpoint_url}/_embedded/{path}", data=data, headers=secret, method=method
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    return ask


def test_health_and_clock(aws, ask):
    assert ask("GET", "health") == (200, {"status": "ok"})
    clock = ask("GET", "clock")[1]
    assert clock["scale"] == 60
    assert clock["epoch"] == aws.clock.epoch
    assert clock["epoch"] < clock["now"] <= aws.clock.now()


def test_a_fault_is_set_counted_and_cleared(aws, ask):
    fault = {"kind": "throttle", "service": "sts", "action": "GetCallerIdentity", "times": 1}
    status, told = ask("POST", "faults", fault)
    assert (status, told["faults"][0]["hits"]) == (201, 0)
    # boto3 itself retries what is throttled
    answer = aws.client("sts").get_caller_identity()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    (told,) = ask("GET", "faults")[1]["faults"]
    assert (told["hits"], told["used_up"]) == (1, True)
    assert ask("DELETE", f"faults/{told['id']}") == (200, {"cleared": 1})
    assert ask("DELETE", f"faults/{told['id']}")[0] == 404


def test_several_faults_in_one_request(ask):
    faults = [{"kind": "capacity", "target": "a"}, {"kind": "slow_start", "seconds": 5}]
    assert len(ask("POST", "faults", faults)[1]["faults"]) == 2
    assert ask("DELETE", "faults") == (200, {"cleared": 2})


@pytest.mark.parametrize("value", [{"kind": "meteor"}, {"service": "s3"}, [1], "throttle"])
def test_a_fault_that_is_none_is_refused(ask, value):
    status, told = ask("POST", "faults", value)
    assert status == 400
    assert told["error"]


def test_calls_are_counted(aws, ask):
    ask("DELETE", "calls")
    sagemaker = aws.client("sagemaker")
    sagemaker.list_training_jobs()
    with pytest.raises(ClientError):
        sagemaker.describe_training_job(TrainingJobName="nobody")
    told = ask("GET", "calls?service=sagemaker")[1]
    assert told["counts"] == {"sagemaker:DescribeTrainingJob": 1, "sagemaker:ListTrainingJobs": 1}
    assert [(c["action"], c["status"], c["error"]) for c in told["calls"]] == [
        ("ListTrainingJobs", 200, ""),
        ("DescribeTrainingJob", 400, "ValidationException"),
    ]
    assert aws.calls.count("sagemaker", "ListTrainingJobs") == 1
    assert ask("GET", "calls?action=List*")[1]["counts"] == {"sagemaker:ListTrainingJobs": 1}


def test_things_are_told(lab, ask):
    lab.run("seen", "print(1)")
    assert ask("GET", "things")[1]["training"]["training_jobs"]["seen"] == "Completed/Completed"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("PUT", "clock", 405), ("PUT", "faults", 405)],
)
def test_what_is_not_offered(ask, method, path, status):
    assert ask(method, path)[0] == status

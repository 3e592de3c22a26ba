"""Processing jobs: a command, S3 in and S3 out, as programs of SageMaker's SDK know them."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from customer.processing import PLACE, Workshop

TIME_SCALE = 60
COPIES = """
    for path in (home / "processing/input/data").rglob("*"):
        if path.is_file():
            (output / path.name.upper()).write_text(path.read_text() + "!")
"""
WAITS = """
    def end(*_):
        (output / "left").write_text("in order")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    (output / "begun").write_text("")
    print("begun", flush=True)
    time.sleep(600)
"""
BOUND = """
import sys
from embedded_aws.processes import launcher
try:
    launcher.move_in(sys.argv[1])
except OSError as error:
    sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def bound(tmp_path_factory):
    """Whether this system lets us bind /opt/ml for one process."""
    place = tmp_path_factory.mktemp("bound") / "base"
    place.mkdir()
    return subprocess.run([sys.executable, "-c", BOUND, str(place)]).returncode == 0


@pytest.fixture(scope="module")
def shop(aws):
    return Workshop(aws, "processing")


def data(shop, **how):
    return shop.input("data", "in/", "input/data", **how)


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def running(shop, name):
    """Wait until a program has printed its first line."""
    logs, deadline = shop.aws.client("logs"), time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            found = logs.filter_log_events(
                logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix=f"{name}/"
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if found:
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} printed nothing")


def test_what_lies_in_s3_comes_in_and_what_is_made_goes_out(shop):
    shop.put(a="one", **{"deep/b": "two"})
    told = shop.run("copies", COPIES, inputs=[data(shop)])
    assert told["ProcessingJobStatus"] == "Completed", told
    assert shop.stored("out/copies") == {"A": "one!", "B": "two!"}
    assert told["ProcessingJobArn"].endswith(":processing-job/copies")
    times = [told[f"{name}Time"] for name in ("Creation", "ProcessingStart", "ProcessingEnd")]
    assert times == sorted(times)
    assert "FailureReason" not in told
    assert "ExitMessage" not in told


def test_a_program_finds_what_its_container_would_hold(shop):
    script = """
        told = {
            "config": json.loads((home / "config/processingjobconfig.json").read_text()),
            "hosts": json.loads((home / "config/resourceconfig.json").read_text()),
            "environment": dict(os.environ),
        }
        (output / "told.json").write_text(json.dumps(told))
    """
    shop.run("finds", script, Environment={"MINE": "value", "PLACE": f"{PLACE}/output"})
    told = shop.told("finds")
    assert told["config"]["ProcessingJobName"] == "finds"
    assert told["config"]["ProcessingInputs"][0]["InputName"] == "code"
    assert told["hosts"] == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert told["environment"]["MINE"] == "value"
    assert told["environment"]["PROCESSING_JOB_NAME"] == "finds"
    assert told["environment"]["PLACE"].endswith("/processing/output")
    assert told["environment"]["AWS_ENDPOINT_URL"] == shop.aws.endpoint_url


def test_programs_find_their_own_folder_at_opt_ml_and_the_rest_of_opt(shop, bound):
    script = """
        told = {"opt": sorted(os.listdir("/opt")), "mine": os.environ["PROCESSING_JOB_NAME"]}
        pathlib.Path("/opt/ml/processing/output/told.json").write_text(json.dumps(told))
        while not (pathlib.Path("/opt/ml/processing/output") / "told.json").exists():
            time.sleep(0.05)
    """
    names = ("literal-1", "literal-2")
    before = sorted(path.name for path in Path("/opt").iterdir())
    for name in names:
        shop.sagemaker.create_processing_job(**shop.request(name, script))
    for name in names:
        assert (shop.ended(name)["ProcessingJobStatus"] == "Completed") == bound
        if bound:
            assert shop.told(name) == {"opt": sorted({*before, "ml"}), "mine": name}
    assert sorted(path.name for path in Path("/opt").iterdir()) == before


def test_a_script_finds_the_interpreter_at_a_path_without_blanks(shop, bound):
    """As the SDK's driver looks for it: without quotes."""
    told = "import json, sys; print(json.dumps([sys.prefix, sys.argv[1:]]))"
    script = f"found=$(command -v python3); echo $found; $found -c '{told}' 'a b'"
    application = {"ImageUri": "image", "ContainerEntrypoint": ["/bin/sh", "-c", script]}
    job = shop.run("interpreter", "pass", AppSpecification=application)
    assert job["ProcessingJobStatus"] == "Completed", job
    events = shop.aws.client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/ProcessingJobs", logStreamNamePrefix="interpreter/"
    )["events"]
    found, ran = (event["message"] for event in events)
    assert (found == "/opt/ml/.python/python3") == bound
    assert json.loads(ran) == [sys.prefix, ["a b"]]


def test_a_program_that_fails_says_why_and_what_it_made_is_kept(shop):
    script = """
        (output / "half").write_text("done")
        (home / "output/message").write_text("no such column: price")
        sys.exit(3)
    """
    told = shop.run("fails", script)
    assert told["ProcessingJobStatus"] == "Failed"
    assert told["FailureReason"] == "AlgorithmError: no such column: price, exit code: 3"
    assert told["ExitMessage"] == "no such column: price"
    assert shop.stored("out/fails") == {"half": "done"}
    silent = shop.run("fails-silently", "raise SystemExit(4)")
    assert silent["FailureReason"] == "AlgorithmError: , exit code: 4"


def test_hosts_share_what_is_sharded_and_each_gets_all_of_the_rest(shop):
    script = """
        hosts = json.loads((home / "config/resourceconfig.json").read_text())
        def names(place):
            return sorted(os.listdir(home / "processing/input" / place))
        told = {"all": names("all"), "part": names("part"), "hosts": hosts["hosts"]}
        (output / (hosts["current_host"] + ".json")).write_text(json.dumps(told))
    """
    for number in range(4):
        shop.s3.put_object(Bucket=shop.bucket, Key=f"parts/{number}", Body=b"x")
    inputs = [
        shop.input("all", "parts/", "input/all"),
        shop.input("part", "parts/", "input/part", S3DataDistributionType="ShardedByS3Key"),
    ]
    told = shop.run("hosts", script, inputs=inputs, hosts=2)
    assert told["ProcessingJobStatus"] == "Completed", told
    first, second = (json.loads(shop.stored("out/hosts")[f"algo-{n}.json"]) for n in (1, 2))
    assert first["hosts"] == second["hosts"] == ["algo-1", "algo-2"]
    assert first["all"] == second["all"] == ["0", "1", "2", "3"]
    assert (first["part"], second["part"]) == (["0", "2"], ["1", "3"])


def test_what_is_told_continuously_is_there_while_the_program_runs(shop):
    script = """
        place = home / "processing" / "live"
        (place / "first").write_text("now")
        while not (place / "go").exists():
            time.sleep(0.05)
        (place / "second").write_text("later")
    """
    outputs = [shop.output("live", "live", "live", mode="Continuous")]
    shop.sagemaker.create_processing_job(**shop.request("live", script, outputs=outputs))
    deadline = time.monotonic() + 60
    while shop.stored("live") != {"first": "now"} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert shop.stored("live") == {"first": "now"}
    place = shop.aws.state_dir / "processing" / "live" / "algo-1" / "processing" / "live"
    (place / "go").write_text("")
    assert shop.ended("live")["ProcessingJobStatus"] == "Completed"
    assert shop.stored("live") == {"first": "now", "go": "", "second": "later"}


def test_a_job_is_stopped_and_what_it_leaves_is_kept(shop):
    shop.sagemaker.create_processing_job(**shop.request("stopped", WAITS))
    running(shop, "stopped")
    shop.sagemaker.stop_processing_job(ProcessingJobName="stopped")
    told = shop.ended("stopped")
    assert told["ProcessingJobStatus"] == "Stopped"
    assert shop.stored("out/stopped") == {"begun": "", "left": "in order"}
    code, message = refused(shop.sagemaker.stop_processing_job, ProcessingJobName="stopped")
    assert code == "ValidationException"
    assert "is in status Stopped" in message


def test_time_runs_out(shop):
    limit = {"MaxRuntimeInSeconds": 60}
    told = shop.run("late", WAITS, StoppingCondition=limit)
    assert told["ProcessingJobStatus"] == "Stopped"
    assert told["ProcessingEndTime"].timestamp() - told["ProcessingStartTime"].timestamp() >= 60


def test_jobs_are_listed_by_name_status_and_time(shop):
    for name in ("listed-b", "listed-a"):
        shop.run(name, "pass")
    shop.run("listed-c", "raise SystemExit(1)")
    listed = shop.sagemaker.list_processing_jobs

    def names(**asked):
        found = listed(NameContains="listed", **asked)["ProcessingJobSummaries"]
        return [one["ProcessingJobName"] for one in found]

    assert names(SortBy="Name") == ["listed-a", "listed-b", "listed-c"]
    assert names() == ["listed-b", "listed-a", "listed-c"]
    assert names(SortBy="Name", SortOrder="Descending", MaxResults=1) == ["listed-c"]
    assert names(StatusEquals="Failed") == ["listed-c"]
    first = listed(NameContains="listed", MaxResults=2)
    rest = listed(NameContains="listed", MaxResults=2, NextToken=first["NextToken"])
    assert len(rest["ProcessingJobSummaries"]) == 1
    shop.sagemaker.delete_processing_job(ProcessingJobName="listed-c")
    assert names(SortBy="Name") == ["listed-a", "listed-b"]


def test_a_name_is_given_once_and_one_that_is_not_there_is_named(shop):
    shop.run("once", "pass")
    code, message = refused(shop.sagemaker.create_processing_job, **shop.request("once", "pass"))
    assert code == "ResourceInUse"
    assert "already exists" in message
    for call in (shop.sagemaker.describe_processing_job, shop.sagemaker.stop_processing_job):
        assert refused(call, ProcessingJobName="nobody") == (
            "ValidationException",
            "Could not find requested job with name: nobody",
        )


def test_inputs_that_are_not_there_fail_the_job_by_their_address(shop):
    told = shop.run("empty", "pass", inputs=[shop.input("data", "nothing/", "input/data")])
    assert told["ProcessingJobStatus"] == "Failed"
    assert f"s3://{shop.bucket}/nothing/" in told["FailureReason"]


def place_of(request):
    return request["ProcessingInputs"][0]["S3Input"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r["AppSpecification"].pop("ContainerEntrypoint"), "ContainerEntrypoint"),
        (lambda r: place_of(r).update(S3InputMode="Pipe"), "no Pipe input mode"),
        (lambda r: place_of(r).update(S3CompressionType="Gzip"), "needs Pipe mode"),
        (lambda r: place_of(r).update(LocalPath="/tmp/elsewhere"), "must begin with"),
        (lambda r: place_of(r).update(LocalPath=f"{PLACE}/../../etc"), "must begin with"),
        (lambda r: place_of(r).pop("LocalPath"), "LocalPath is required"),
        (lambda r: r["ProcessingInputs"].append(r["ProcessingInputs"][0]), "must be unique"),
        (
            lambda r: r["ProcessingOutputConfig"]["Outputs"][0].update(
                FeatureStoreOutput={"FeatureGroupName": "g"}
            ),
            "FeatureStoreOutput",
        ),
        (lambda r: r["ProcessingInputs"][0].update(AppManaged=True), "AppManaged"),
        (lambda r: r.update(ExperimentConfig={"ExperimentName": "e"}), "ExperimentConfig"),
        (
            lambda r: r["ProcessingResources"]["ClusterConfig"].pop("InstanceType"),
            "InstanceType and InstanceCount",
        ),
    ],
)
def test_what_would_be_ignored_or_cannot_run_is_refused_before_it_begins(shop, change, said):
    request = shop.request("refused", "pass")
    change(request)
    code, message = refused(shop.sagemaker.create_processing_job, **request)
    assert code == "ValidationException"
    assert said in message
    assert not shop.sagemaker.list_processing_jobs(NameContains="refused")["ProcessingJobSummaries"]


def test_capacity_that_is_missing_fails_the_job(shop):
    shop.aws.faults.add(kind="capacity", target="no-machine", times=1)
    told = shop.run("no-machine", "pass")
    assert told["FailureReason"].startswith("CapacityError: ")


def test_a_job_without_a_network_has_no_credentials(shop):
    script = """
        told = {"keys": [name for name in os.environ if name.startswith("AWS_")]}
        (output / "told.json").write_text(json.dumps(told))
    """
    shop.run("isolated", script, NetworkConfig={"EnableNetworkIsolation": True})
    assert shop.told("isolated") == {"keys": []}


def test_tags_are_those_of_its_creation(shop):
    tags = [{"Key": "sluice:model", "Value": "m"}]
    arn = shop.run("tagged", "pass", Tags=tags)["ProcessingJobArn"]
    assert shop.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_the_waiter_of_boto3_follows_a_job(shop):
    shop.sagemaker.create_processing_job(**shop.request("waited", "pass"))
    waiter = shop.sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    described = shop.sagemaker.describe_processing_job(ProcessingJobName="waited")
    assert described["ProcessingJobStatus"] == "Completed"

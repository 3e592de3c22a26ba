"""What a training job was asked for, and what its program finds: data, environment, other hosts."""

import json

import pytest
from customer.training import QUICK

TIME_SCALE = 120  # two minutes of AWS in a second

TELL_ENVIRONMENT = """
    import json, os, pathlib, sys
    model = pathlib.Path(os.environ["SM_MODEL_DIR"])
    config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"])
    told = {"env": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd()}
    told["config"] = {p.name: json.loads(p.read_text()) for p in config.iterdir()}
    told["data"] = {
        name: sorted(
            str(p.relative_to(os.environ["SM_CHANNEL_" + name.upper()]))
            for p in pathlib.Path(os.environ["SM_CHANNEL_" + name.upper()]).rglob("*")
            if p.is_file()
        )
        for name in json.loads(os.environ["SM_CHANNELS"])
    }
    (model / "told.json").write_text(json.dumps(told))
"""


@pytest.fixture(scope="module", autouse=True)
def lake(lab):
    for key in ("in/train/a.csv", "in/train/deep/b.csv", "in/train/c.csv", "in/train-2/x.csv"):
        lab.s3.put_object(Bucket=lab.bucket, Key=key, Body=key.encode())
    return f"s3://{lab.bucket}/in"


@pytest.fixture(scope="module")
def told(lab, lake, make_channel):
    """One job that tells everything about its surroundings."""
    lab.run(
        "surroundings",
        TELL_ENVIRONMENT,
        HyperParameters={"epochs": "3", "name": '"a b"', "v": "true"},
        Environment={"COLOUR": "blue", "WHERE": "/opt/ml/model"},
        InputDataConfig=[
            make_channel("train", f"{lake}/train"),
            make_channel("validation", f"{lake}/train-2/"),
        ],
    )
    return lab.told("surroundings")


def test_describe_gives_back_what_was_asked_with_defaults_filled_in(lab, lake, make_channel):
    job = lab.run("echo", QUICK, InputDataConfig=[make_channel("train", f"{lake}/train")])
    assert job["RoleArn"].endswith(":role/sluice-training")
    assert job["HyperParameters"]["sagemaker_program"] == "train.py"
    assert job["InputDataConfig"][0]["CompressionType"] == "None"
    assert job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataDistributionType"] == (
        "FullyReplicated"
    )
    assert job["EnableManagedSpotTraining"] is False
    assert job["OutputDataConfig"]["S3OutputPath"] == f"s3://{lab.bucket}/jobs"


def test_hyperparameters_become_arguments_and_files(told):
    assert told["argv"] == ["--epochs", "3", "--name", "a b", "-v", "True"]
    hyperparameters = told["config"]["hyperparameters.json"]
    assert hyperparameters["epochs"] == "3"
    assert hyperparameters["sagemaker_program"] == "train.py"


def test_channels_arrive_without_the_folder_that_the_prefix_names(told):
    # A prefix is a prefix: "…/train" also matches "…/train-2/x.csv", as S3 says.
    assert told["data"] == {
        "train": ["a.csv", "c.csv", "deep/b.csv", "train-2/x.csv"],
        "validation": ["x.csv"],
    }
    assert told["config"]["inputdataconfig.json"]["train"] == {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }


def test_the_environment_is_that_of_the_training_toolkit(told):
    env = told["env"]
    base = env["SAGEMAKER_BASE_DIR"]
    assert env["SM_MODEL_DIR"] == f"{base}/model"
    assert env["SM_OUTPUT_DATA_DIR"] == f"{base}/output/data"
    assert env["SM_CHANNEL_TRAIN"] == f"{base}/input/data/train"
    assert json.loads(env["SM_CHANNELS"]) == ["train", "validation"]
    assert json.loads(env["SM_HOSTS"]) == ["algo-1"]
    assert env["SM_CURRENT_HOST"] == "algo-1"
    assert env["SM_NUM_GPUS"] == "0"
    assert env["SM_HP_EPOCHS"] == "3"
    assert json.loads(env["SM_HPS"]) == {"epochs": 3, "name": "a b", "v": True}
    assert json.loads(env["SM_TRAINING_ENV"])["hyperparameters"]["epochs"] == 3
    assert env["TRAINING_JOB_NAME"] == "surroundings"
    assert env["TRAINING_JOB_ARN"].endswith(":training-job/surroundings")
    assert env["COLOUR"] == "blue"
    assert env["WHERE"] == env["SM_MODEL_DIR"]
    assert told["cwd"] == env["SM_MODULE_DIR"]


def test_a_manifest_names_its_objects(lab, lake, make_channel):
    manifest = json.dumps([{"prefix": f"{lake}/"}, "train/a.csv", "train/deep/b.csv"])
    lab.s3.put_object(Bucket=lab.bucket, Key="manifests/m.json", Body=manifest)
    uri = f"s3://{lab.bucket}/manifests/m.json"
    lab.run(
        "manifest",
        TELL_ENVIRONMENT,
        InputDataConfig=[make_channel("train", uri, S3DataType="ManifestFile")],
    )
    assert lab.told("manifest")["data"] == {"train": ["train/a.csv", "train/deep/b.csv"]}


def test_a_manifest_with_a_missing_object_fails_the_job(lab, lake, make_channel):
    manifest = json.dumps([{"prefix": f"{lake}/"}, "train/gone.csv"])
    lab.s3.put_object(Bucket=lab.bucket, Key="manifests/gone.json", Body=manifest)
    uri = f"s3://{lab.bucket}/manifests/gone.json"
    job = lab.run(
        "manifest-gone",
        QUICK,
        InputDataConfig=[make_channel("train", uri, S3DataType="ManifestFile")],
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Data download failed:")
    assert "train/gone.csv" in job["FailureReason"]


def test_two_hosts_meet_and_share_the_keys(lab, lake, make_channel):
    script = """
        import json, os, pathlib, socket, time
        host = os.environ["SM_CURRENT_HOST"]
        files = [p.name for p in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv")]
        told = {"hosts": json.loads(os.environ["SM_HOSTS"]), "files": sorted(files)}
        config = pathlib.Path(os.environ["SM_INPUT_CONFIG_DIR"], "resourceconfig.json")
        told["current"] = json.loads(config.read_text())["current_host"]
        leader = os.environ["SM_MASTER_ADDR"], int(os.environ["SM_MASTER_PORT"])
        if host == "algo-1":
            with socket.create_server(leader) as server:
                server.accept()[0].sendall(b"met")
        else:
            for _ in range(200):
                try:
                    told["leader"] = socket.create_connection(leader).recv(3).decode()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
        pathlib.Path(os.environ["SM_MODEL_DIR"], host + ".json").write_text(json.dumps(told))
    """
    lab.run(
        "pair",
        script,
        ResourceConfig={"InstanceCount": 2},
        InputDataConfig=[
            make_channel("train", f"{lake}/train", S3DataDistributionType="ShardedByS3Key")
        ],
    )
    files = lab.output("pair")
    told = {name: json.loads(files[f"{name}.json"]) for name in ("algo-1", "algo-2")}
    assert told["algo-1"]["hosts"] == told["algo-2"]["hosts"] == ["algo-1", "algo-2"]
    assert told["algo-2"]["current"] == "algo-2"
    assert told["algo-2"]["leader"] == "met"
    shares = told["algo-1"]["files"], told["algo-2"]["files"]
    assert sorted(shares[0] + shares[1]) == ["a.csv", "b.csv", "c.csv", "x.csv"]
    assert len(shares[0]) == len(shares[1]) == 2

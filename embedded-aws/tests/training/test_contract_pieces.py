"""The pure parts of the script-mode contract, against the rules that they stand for."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.jobs.command import at_home
from embedded_aws.jobs.listing import page
from embedded_aws.jobs.places import DownloadError, Piece, below, from_manifest, shard, split
from embedded_aws.protocol.service import AwsFault
from embedded_aws.training.command import arguments, command, decoded, submit_directory
from embedded_aws.training.layout import checkpoints, cluster
from embedded_aws.training.metrics import MetricFinder

names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@given(st.lists(names, unique=True, max_size=30), st.integers(1, 5))
def test_shards_are_disjoint_and_whole(keys, hosts):
    pieces = [Piece("b", key, key) for key in keys]
    shares = [shard(pieces, "ShardedByS3Key", host, hosts) for host in range(hosts)]
    assert sorted(p.key for share in shares for p in share) == sorted(keys)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert shard(pieces, "FullyReplicated", hosts - 1, hosts) == pieces


@given(st.lists(names, min_size=1, max_size=4), st.lists(names, min_size=1, max_size=4))
def test_a_folder_prefix_is_cut_off_with_and_without_its_slash(folder, rest):
    prefix, path = "/".join(folder), "/".join(rest)
    key = f"{prefix}/{path}"
    assert below(key, prefix) == below(key, f"{prefix}/") == path
    assert below(key, key) == rest[-1]
    assert below(key, "") == key


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://b/k/x", ("b", "k/x")),
        ("s3://b", ("b", "")),
        ("https://s3.us-east-1.amazonaws.com/b/k", ("b", "k")),
    ],
)
def test_addresses_are_split(uri, expected):
    assert split(uri) == expected


@pytest.mark.parametrize("body", ["", "{}", "[]", '["a"]', '[{"prefix": "s3://b/"}, 1]', "[1"])
def test_a_manifest_of_another_form_is_refused(body):
    with pytest.raises(DownloadError, match="s3://b/m"):
        from_manifest(body.encode(), "s3://b/m")


def test_a_manifest_joins_prefix_and_names():
    body = json.dumps([{"prefix": "s3://b/x/"}, "a", "c/d"]).encode()
    assert from_manifest(body, "s3://b/m") == [Piece("b", "x/a", "a"), Piece("b", "x/c/d", "c/d")]


@given(st.dictionaries(names, st.integers() | st.booleans() | names))
def test_values_survive_the_way_through_json(values):
    assert decoded({k: json.dumps(v) for k, v in values.items()}) == values


def test_arguments_are_spelt_as_the_toolkit_spells_them():
    told = arguments({"learning-rate": 0.1, "b": 2, "flags": {"y": 1, "x": 2}, "on": True})
    assert told == ["-b", "2", "--flags", "x=2,y=1", "--learning-rate", "0.1", "--on", "True"]


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("/opt/ml", "/base"),
        ("/opt/ml/model", "/base/model"),
        ("a=/opt/ml/x:/opt/ml/y", "a=/base/x:/base/y"),
        ("/opt/mlflow", "/opt/mlflow"),
        ("s3://b/opt/ml/x", "s3://b/opt/ml/x"),
        ("cd '/opt/ml/code' && ls", "cd '/base/code' && ls"),
    ],
)
def test_only_the_containers_own_folder_is_moved(text, moved):
    assert at_home(text, Path("/base")) == moved


def test_scripts_run_in_their_own_language():
    def of(program):
        request = {
            "AlgorithmSpecification": {},
            "HyperParameters": {"sagemaker_program": json.dumps(program), "epochs": "1"},
        }
        return command(request, Path("/base"))

    assert of("train.py") == [sys.executable, "train.py", "--epochs", "1"]
    assert of("train.sh") == ["/bin/sh", "-c", './train.sh "$@"', "sh", "--epochs", "1"]


def test_code_in_the_image_is_not_looked_for_in_s3():
    def of(place):
        return submit_directory({"HyperParameters": {"sagemaker_submit_directory": place}})

    assert of("s3://b/c.tar.gz") == of('"s3://b/c.tar.gz"') == "s3://b/c.tar.gz"
    assert of("/opt/ml/code") is None


def test_instance_groups_make_one_cluster():
    groups = [
        {"InstanceGroupName": "cpu", "InstanceType": "ml.m5.large", "InstanceCount": 1},
        {"InstanceGroupName": "big", "InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
    ]
    hosts = cluster({"ResourceConfig": {"InstanceGroups": groups}}, Path("/j"))
    assert [(h.name, h.group, h.number) for h in hosts] == [
        ("algo-1", "cpu", 0),
        ("algo-2", "big", 1),
        ("algo-3", "big", 2),
    ]
    assert checkpoints(hosts[0], {}) == Path("/j/algo-1/checkpoints")
    elsewhere = {"CheckpointConfig": {"LocalPath": "/opt/ml/state/x"}}
    assert checkpoints(hosts[0], elsewhere) == Path("/j/algo-1/state/x")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_python_prints_is_found(value):
    finder = MetricFinder([{"Name": "m", "Regex": r"m=([-+0-9.e]+)"}])
    assert list(finder.find(f"epoch 1 m={value} s=2 m={value}")) == [("m", value)] * 2


def test_what_is_no_number_is_passed_over():
    finder = MetricFinder([{"Name": "m", "Regex": "m=(.*)"}])
    assert list(finder.find("m=soon")) == []


def summaries(count):
    return [
        {
            "TrainingJobName": f"j{n:03}",
            "CreationTime": float(n),
            "LastModifiedTime": float(n),
            "TrainingJobStatus": "Failed" if n % 3 else "Completed",
        }
        for n in range(count)
    ]


@given(st.integers(0, 40), st.integers(1, 15), st.sampled_from([None, "Failed"]))
def test_pages_together_are_the_whole_list(count, size, status):
    params = {"MaxResults": size, **({"StatusEquals": status} if status else {})}
    found, token = [], None
    while True:
        told = page(summaries(count), {**params, **({"NextToken": token} if token else {})})
        found += [s["TrainingJobName"] for s in told["TrainingJobSummaries"]]
        token = told.get("NextToken")
        if token is None:
            break
    wanted = [s for s in summaries(count) if status in {None, s["TrainingJobStatus"]}]
    assert found == [s["TrainingJobName"] for s in wanted]


def test_with_a_status_and_a_size_the_page_is_cut_before_it_is_filtered():
    told = page(summaries(10), {"MaxResults": 4, "StatusEquals": "Completed"})
    assert [s["TrainingJobName"] for s in told["TrainingJobSummaries"]] == ["j000", "j003"]
    assert "NextToken" in told


@pytest.mark.parametrize("token", ["x", "am9iczp4", "!!!"])
def test_a_token_that_nobody_gave_out_is_refused(token):
    with pytest.raises(AwsFault, match="Invalid NextToken"):
        page([], {"NextToken": token})

"""A candidate's own bundle answers changed rows; what it says, or does not say, is a finding."""

import io
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.runtime.split import COLUMNS, columns_document
from tasks.gates.tasks import gate
from tests.tasks.gates.answered import candidate, prices

BUCKET = "changed-rows"
PROGRAM = """
import glob, json, os, sys
import numpy as np, pyarrow.parquet as pq
def distinct(names):
    times = [names[:n].count(name) for n, name in enumerate(names)]
    return np.asarray([f"{name} ({t + 1})" if t else name for t, name in zip(times, names)])
act, channel, out = sys.argv[1:4]
assert act == "measure" and "AWS_SECRET_ACCESS_KEY" not in os.environ
how = json.load(open("how.json"))
if how.get("dies"):
    sys.exit("no such column: size")
table = [row for f in sorted(glob.glob(channel + "/*.parquet"))
         for row in pq.read_table(f).to_pylist()]
sizes = [row["size"] for row in table]
prices = np.asarray([how["base"] + how["slope"] * size for size in sizes], float)
if how.get("silent"):
    prices = prices[:5]
os.makedirs(out, exist_ok=True)
json.dump({"candidate": {"mae": 1.0}}, open(out + "/metrics.json", "w"))
number = {"kind": "number", "transform": "none", "scale": 1.0, "offset": 0.0}
if not how.get("forgets"):
    np.savez(out + "/answers.npz", format=1, task="regression", output=json.dumps(number),
             rows=distinct([str(row["id"]) for row in table][:len(prices)]),
             labels=prices, predicted=prices)
"""
RULES = (
    {"change": "multiply", "column": "size", "by": 1.2, "expect": "not_lower", "at_least": 0.98},
)


def archive(path, **how):
    files = {
        "bundle.json": json.dumps({"entry_point": "code/entry_point.py"}),
        "code/entry_point.py": PROGRAM,
        "how.json": json.dumps({"base": 100, "slope": 2, **how}),
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))


@pytest.fixture
def holdout(aws_environment, tmp_path):
    from tasks.aws import client

    table = {"id": range(60), "size": [100 + n for n in range(60)], "price": [300.0] * 60}
    pq.write_table(pa.table(table), tmp_path / "day.parquet")
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(str(tmp_path / "day.parquet"), BUCKET, "holdout/day.parquet")
    kinds = [
        {"name": "id", "type": "integer", "key": True},
        {"name": "size", "type": "integer", "required": True},
        {"name": "price", "type": "number"},
    ]
    s3.put_object(Bucket=BUCKET, Key=f"holdout/{COLUMNS}", Body=columns_document(kinds).encode())
    return f"s3://{BUCKET}/holdout/"


@pytest.fixture
def gated(holdout, tmp_path):
    """The gate's verdict of a candidate that answers in this way."""

    def judged(rules=RULES, at_most=10, **how):
        spec = prices(gates=[{"metric": "mae", "at_most": at_most}], behaviour=rules)
        archive(tmp_path / "model.tar.gz", **how)
        return gate.fn(spec, candidate(tmp_path, mae=5), None, holdout, tmp_path / "run")

    return judged


def test_a_model_whose_price_falls_with_more_area_is_rejected(gated, tmp_path):
    assert gated().outcome == "pass"
    verdict = gated(base=1_000, slope=-2)
    assert verdict.outcome == "fail"
    assert verdict.reason.startswith("size multiply 1.2: not lower: 0 (bound ≥ 0.98), 60 rows; ")
    kept = json.loads((tmp_path / "output" / "behaviour.json").read_text("utf-8"))
    assert [check["outcome"] for check in kept] == ["fail"]


def test_rules_are_judged_each_by_itself(gated):
    still = {"change": "add", "column": "size", "by": 1, "expect": "same", "within": 0.02}
    moved = {**still, "by": 100}
    verdict = gated([*RULES, still, moved, {**still, "change": "multiply", "by": 1}])
    told = {check.name: check.outcome for check in verdict.checks if "size" in check.name}
    assert told == {
        "size multiply 1.2: not lower": "pass",
        "size add 1: same": "pass",
        "size add 100: same": "fail",
        # Nothing changes when numbers are multiplied by one.
        "size multiply 1: same": "inconclusive",
        "archive size": "pass",
    }


def test_nothing_that_can_be_changed_asks_no_bundle(gated):
    still = {"change": "multiply", "column": "size", "by": 1, "expect": "same"}
    verdict = gated([still], dies=True)
    assert verdict.outcome == "inconclusive"
    assert "0 held-out rows can be changed so" in verdict.reason


@pytest.mark.parametrize(
    ("how", "outcome", "said"),
    [
        ({"dies": True}, "fail", "the bundle does not answer changed rows: no such column: size"),
        ({"forgets": True}, "error", "saves no answers that can be read"),
        ({"silent": True}, "error", "does not answer 115 of 120 rows"),
    ],
)
def test_a_bundle_that_does_not_answer_does_not_pass(gated, how, outcome, said):
    verdict = gated(**how)
    assert verdict.outcome == outcome
    assert said in verdict.reason


def test_a_candidate_that_has_failed_already_is_not_asked(gated, tmp_path):
    verdict = gated(at_most=1, dies=True)
    assert not [check.name for check in verdict.checks if check.name.startswith("size ")]
    assert not (tmp_path / "output" / "behaviour.json").exists()

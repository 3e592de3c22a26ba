"""A job that measured nothing is told as such, with the file that it must write."""

import io
import json
import tarfile

import pytest

from tasks.errors import TrainingFailed
from tasks.training.collect import fetch_output, measured

BUCKET = "sluice-work"
WANTED = "metrics.json.*SM_OUTPUT_DATA_DIR"


def left(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(text)
    return folder


def test_a_job_that_wrote_nothing_at_all(aws_environment, tmp_path):
    aws_environment.client("s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(TrainingFailed, match=f"j-1 ended well but wrote no {WANTED}"):
        fetch_output("j-1", f"s3://{BUCKET}/jobs/j-1/output/output.tar.gz", tmp_path)


def test_a_job_that_wrote_other_files(aws_environment, tmp_path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("scores.json"))
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="j-2/output.tar.gz", Body=packed.getvalue())
    folder = fetch_output("j-2", f"s3://{BUCKET}/j-2/output.tar.gz", tmp_path)
    with pytest.raises(TrainingFailed, match=f"it left scores.json there.*{WANTED}"):
        measured(folder, "j-2")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[]",
            "3",
            "null",
            "{}",
            '{"mae": 1}',
            '{"candidate": 3}',
            '{"candidate": null}',
        ),
        *('{"candidate": {"mae": "low"}}', '{"candidate": {"mae": null}}'),
        *('{"candidate": {"mae": 1}, "counts": 3}', '{"candidate": {"mae": 1}, "baseline": 3}'),
    ],
)
def test_a_file_that_is_none(tmp_path, text):
    with pytest.raises(TrainingFailed, match=f"j-3 left no readable {WANTED}"):
        measured(left(tmp_path, text), "j-3")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none(tmp_path, value):
    with pytest.raises(TrainingFailed, match="j-4 measured no finite number for mae"):
        measured(left(tmp_path, f'{{"candidate": {{"mae": {value}, "r2": 0.5}}}}'), "j-4")


def test_metrics_alone_are_enough(tmp_path):
    found = measured(left(tmp_path, json.dumps({"candidate": {"pinball": 0.3}})), "j-5")
    assert (found.candidate, found.baseline, found.rows) == ({"pinball": 0.3}, {}, 0)

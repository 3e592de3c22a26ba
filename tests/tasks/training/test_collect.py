"""A job that measured nothing is told as such, with the file that it must write."""

import io
import json
import tarfile

import pytest

from tasks.errors import TrainingFailed
from tasks.training.collect import fetch_output, measured, serving_program, unpack

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


def archived(path, *entries):
    with tarfile.open(path, "w:gz") as tar:
        for entry, content in entries:
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def test_what_a_run_unpacked_before_is_replaced(tmp_path):
    old = archived(tmp_path / "old.tar.gz", (tarfile.TarInfo("old.json"), b"{}"))
    new = archived(tmp_path / "new.tar.gz", (tarfile.TarInfo("metrics.json"), b"{}"))
    for archive in (old, new):
        folder = unpack(archive, tmp_path / "output")
    assert [path.name for path in folder.iterdir()] == ["metrics.json"]


def test_an_output_that_leads_out_of_its_folder_is_no_end_of_the_run_without_a_reason(tmp_path):
    link = tarfile.TarInfo("metrics.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(TrainingFailed, match=r'its member "metrics\.json" is a symbolic link'):
        unpack(archived(tmp_path / "output.tar.gz", (link, b"")), tmp_path / "output")
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{", "names no entry_point .is not JSON"),
        (b"[" * 200_000, "nested too deep"),
        (b"{}", "names no entry_point"),
        (b"[]", "is no JSON object"),
    ],
)
def test_a_bundle_that_names_no_program_is_told(document, words, tmp_path):
    archive = archived(tmp_path / "model.tar.gz", (tarfile.TarInfo("./bundle.json"), document))
    with pytest.raises(TrainingFailed, match=words):
        serving_program(archive)


def test_the_program_of_a_bundle(tmp_path):
    said = json.dumps({"entry_point": "code/entry_point.py"}).encode()
    archive = archived(tmp_path / "model.tar.gz", (tarfile.TarInfo("./bundle.json"), said))
    assert serving_program(archive) == "entry_point.py"
    older = archived(tmp_path / "older.tar.gz", (tarfile.TarInfo("code/serve.py"), b""))
    assert serving_program(older) == "serve.py"
    older.write_bytes(b"torn")
    with pytest.raises(TrainingFailed, match="no intact gzipped tar archive"):
        serving_program(older)


def test_metrics_alone_are_enough(tmp_path):
    found = measured(left(tmp_path, json.dumps({"candidate": {"pinball": 0.3}})), "j-5")
    assert (found.candidate, found.baseline, found.rows) == ({"pinball": 0.3}, {}, 0)

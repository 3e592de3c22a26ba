"""docs/lake.md says what the code does, and its commands run as they stand."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from deployments.lake import main
from tasks.aws import client
from tasks.compressed_names import ENDINGS as COMPRESSED
from tasks.contracts.odcs.text_form import FIELDS, RECORDS
from tasks.lake.bucket import take_snapshot
from tasks.lake.endings import ENDINGS, format_of
from tasks.lake.inventory import WHY
from tasks.lake.partitions import LAYOUTS, place_of

PAGE = (Path(__file__).parents[2] / "docs" / "lake.md").read_text(encoding="utf-8")


def section(title):
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_rule_stands_on_the_page_and_no_other():
    table = section("Every object is read, or left out by a rule").partition("| what is wrong")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {rule for cell in cells for rule in re.findall(r"`([^`]+)`", cell)} == set(WHY)


def test_every_layout_on_the_page_and_in_the_error_names_its_day():
    rows = [
        line for line in section("Layouts that are read").splitlines() if line.startswith("| `")
    ]
    shown = re.findall(r"`([^`\s<>]*2024[^`\s<>]*)/`", "".join(rows))
    assert len(shown) >= 5
    for folder in [*shown, *(layout.partition("/…")[0] for layout in LAYOUTS)]:
        place = place_of(f"raw/things/{folder}/part.csv", "raw/things/")
        assert str(place.day) == "2024-07-01", folder


def test_every_format_and_compression_stands_on_the_page():
    text = section("Formats")
    for ending in [*ENDINGS, *(e for e in COMPRESSED if e not in {".gzip", ".zstd"})]:
        assert f"`{ending}`" in text, ending
    for ending in re.findall(r"`(\.\w+)`", text.partition("**An empty object**")[0]):
        assert format_of(f"part{ending}"), ending
    for word in {*FIELDS, *RECORDS} - {"\t", "\\t"}:
        assert f"`{word}`" in text, word


@pytest.fixture
def lake(aws_environment, monkeypatch):
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "page-lake")
    s3 = client("s3")
    s3.create_bucket(Bucket="page-lake")
    s3.put_bucket_versioning(Bucket="page-lake", VersioningConfiguration={"Status": "Enabled"})
    yield s3
    for page in s3.get_paginator("list_object_versions").paginate(Bucket="page-lake"):
        for item in page.get("Versions", []):
            s3.delete_object(Bucket="page-lake", Key=item["Key"], VersionId=item["VersionId"])
    s3.delete_bucket(Bucket="page-lake")


def test_the_pages_commands_run_as_they_stand(lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "exports/bookings/dt=2024-07-02/part.csv": b"id\n1\n",
        "exports/bookings/dt=2024-07-02/_SUCCESS": b"",
        "downloads/a.csv": b"id\n2\n",
        "bookings.csv": "booked_on;city\n2024-07-03;Köln\n".encode("cp1252"),
    }
    for name, body in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    block = section("Bring your data in").partition("```bash\n")[2].partition("```")[0]
    commands = [
        shlex.split(line, comments=True)
        for line in block.replace("\\\n", " ").splitlines()
        if "deployments.lake" in line
    ]
    assert [words[3] for words in commands] == ["folder", "folder", "folder", "table"]
    for words in commands:
        assert words[1:3] == ["-m", "deployments.lake"]
        monkeypatch.setattr(sys, "argv", words[2:])
        assert main() == 0, words
    pinned = take_snapshot(lake, "bookings", "page-lake", "raw/bookings/")
    assert sorted(str(item.day) for item in pinned.objects) == [
        "2024-07-01", "2024-07-02", "2024-07-03",
    ]  # fmt: skip

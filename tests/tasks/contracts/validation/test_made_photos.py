"""The photos that each image model is tried with: their contract, and what they lose on the way."""

import io
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from deployments.demo.amenities import AMENITIES
from deployments.demo.buildings import BUILDINGS
from deployments.demo.facades import FACADES
from deployments.demo.photos import write_photos
from deployments.demo.rooms import ROOMS
from deployments.demo.wear import CONDITIONS
from tasks.lake.partitions import place_of
from tasks.model_spec import known_models, load_model_spec
from tasks.training.split import split_good_rows

MODELS = Path(__file__).parents[4] / "models"
SHIPPED = {
    spec.data.dataset: spec
    for spec in (load_model_spec(name, MODELS) for name in known_models(MODELS))
    if spec.composition.input == "image"
}
ALBUMS = {album.dataset: album for album in (AMENITIES, BUILDINGS, FACADES, ROOMS, CONDITIONS)}
DAY, ROWS = date(2026, 1, 5), 60
REASONS = {
    "cut": {"image_decodes"},
    "unknown": {"label.enum", "features.type", "objects.type"},
    "recompressed": {"no_duplicate_images"},
    "small": {"no_duplicate_images"},
    "brighter": {"no_duplicate_images"},
}
BOXES = {"outside": {"objects.type"}, "empty": {"boxes_have_corners"}}
"""What else is wrong with photos whose labels have boxes."""


def test_every_image_model_has_photos_to_be_tried_with():
    assert set(SHIPPED) == set(ALBUMS)


def secrets(data):
    """What a file tells beside its pixels."""
    with Image.open(io.BytesIO(data)) as image:
        told = [name for name in ("exif", "xmp", "icc_profile", "comment") if name in image.info]
        return told + (["tags"] if len(image.getexif()) else [])


@pytest.fixture(params=sorted(ALBUMS))
def judged(request, lake, judge, written, tmp_path):
    """One album through its contract, with something broken beside a third of its photos."""
    album = ALBUMS[request.param]
    lake.dataset = album.dataset
    sent = 0
    for path in write_photos(tmp_path / "raw", album, ROWS, DAY, 3, seed=4, defects=0.35):
        key = path.relative_to(tmp_path).as_posix()
        body = path.read_bytes()
        if path.suffix == ".jpg":
            sent += "-cut" in path.name or bool(secrets(body))
        lake.put(path.name, body, place_of(key, f"raw/{album.dataset}/").day)
    assert sent > ROWS, "every photo comes with the place where it was taken"
    contract = written(album.dataset).model_copy(update={"quarantine_limit": 0.5})
    return album, judge(contract, lake)


def test_what_is_sound_passes_and_what_is_broken_is_set_aside_for_its_reason(judged, judge):
    album, report = judged
    reasons = REASONS | (BOXES if album is FACADES else {})
    assert report.outcome == "pass"
    kinds = Counter()
    for line in judge.quarantined():
        name = line["record"]["file"].removesuffix(".jpg").split("-")
        assert len(name) == 3, f"a sound photo was set aside: {line}"
        kinds[name[2]] += 1
        assert {reason["check"] for reason in line["reasons"]} & reasons[name[2]], line
    assert set(kinds) == set(reasons)
    # Few copies of bright or plain pictures pass: a split holds them together.
    assert report.rows_good == pytest.approx(ROWS, abs=4)


def test_nothing_but_pixels_and_labels_reaches_the_training(judged, judge, tmp_path):
    album, _ = judged
    data = SHIPPED[album.dataset].data.model_copy(update={"holdout_share": 0.4})
    split_good_rows(judge.out / "good", tmp_path / "channels", data)
    seen, sides = 0, {}
    for side in ("training", "holdout"):
        folder = tmp_path / "channels" / side
        for path in folder.rglob("*.jpg"):
            data = path.read_bytes()
            assert not secrets(data), path
            assert b"Sluice Optics" not in data
            seen += 1
        for line in (folder / "labels.jsonl").read_text().splitlines():
            entry = json.loads(line)
            assert set(entry) == {"file", "id", "day", album.column}
            shot = "-".join(Path(entry["file"]).stem.split("-")[:2])
            assert sides.setdefault(shot, side) == side, "a copy is on the other side"
    assert seen >= ROWS - 4

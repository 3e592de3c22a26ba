import io
import json
import time
from datetime import date

import numpy as np
import pytest
from PIL import Image, ImageDraw

from deployments.demo import facades
from deployments.demo.amenities import AMENITIES, INSIDE, OUTSIDE
from deployments.demo.buildings import BUILDINGS
from deployments.demo.facades import FACADES
from deployments.demo.photos import PHOTO, PhotoShift, photos, write_photos
from deployments.demo.rooms import ROOMS
from deployments.demo.wear import CONDITIONS
from tasks.contracts import load_contract
from tests.models.trained import ROOT

DAY = date(2026, 1, 1)
ALBUMS = (ROOMS, BUILDINGS, CONDITIONS, AMENITIES, FACADES)
by_album = pytest.mark.parametrize("album", ALBUMS, ids=lambda album: album.dataset)


def opened(body):
    with Image.open(io.BytesIO(body)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64)


@by_album
def test_photos_are_the_same_bytes_with_place_and_device(album):
    made = list(photos(album, 6, seed=2))
    assert made == list(photos(album, 6, seed=2))
    assert made != list(photos(album, 6, seed=3))
    for _, body in made:
        with Image.open(io.BytesIO(body)) as image:
            exif = image.getexif()
            assert (image.format, image.size) == ("JPEG", PHOTO)
            assert "Sluice Optics" in exif.values()
            assert exif.get_ifd(0x8825)[1] == "N"


@by_album
def test_labels_are_those_of_the_contract(album):
    contract = load_contract(album.dataset, ROOT / "data_contracts")
    column = contract.column(album.column)
    if album.choose is None:
        assert set(album.labels) <= set(column.enum)
        labels = [label for label, _ in photos(album, len(album.labels) * 2, seed=1)]
        assert labels == [*album.labels, *album.labels]
    elif album is FACADES:
        described = column.items["items"]["properties"][0]
        assert set(album.labels) == {entry["value"] for entry in described["enum"]}
    else:
        assert set(album.labels) == {entry["value"] for entry in column.items["items"]["enum"]}


def test_a_home_is_seen_from_outside_or_from_inside():
    rng = np.random.default_rng(0)
    seen = [set(AMENITIES.choose(rng)) for _ in range(400)]
    assert all(names <= set(OUTSIDE) or names <= set(INSIDE) for names in seen)
    assert min(len(names) for names in seen) == 0
    assert set().union(*seen) == set(AMENITIES.labels)


def test_things_on_a_facade_are_where_their_boxes_say():
    rng = np.random.default_rng(0)
    made = [one for _ in range(200) for one in FACADES.choose(rng)]
    assert {one["label"] for one in made} == set(FACADES.labels)
    assert FACADES.draw([], rng).size == PHOTO
    for one in made:
        x0, y0, x1, y1 = one["box"]
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
    for name, drawn in facades._DRAWN.items():
        image = Image.new("RGB", PHOTO, (255, 0, 255))
        box = facades._pixels([0.25, 0.3, 0.5, 0.6])
        drawn(ImageDraw.Draw(image), rng, box)
        painted = (np.asarray(image) != (255, 0, 255)).any(axis=2)
        lines, columns = np.nonzero(painted)
        found = (columns.min(), lines.min(), columns.max() + 1, lines.max() + 1)
        assert found == (30, 27, 60, 54), name


def test_photos_are_written_beside_their_labels(tmp_path):
    files = write_photos(tmp_path, ROOMS, 11, DAY, 3, seed=1)
    indexes = [file for file in files if file.name == "labels.jsonl"]
    assert [index.parent.name for index in indexes] == ["day=01", "day=02", "day=03"]
    named = []
    for index in indexes:
        for line in index.read_text().splitlines():
            entry = json.loads(line)
            assert entry["label"] in ROOMS.labels
            assert (index.parent / entry["file"]).exists()
            named.append(entry["file"])
    assert len(set(named)) == 11
    assert len(files) == 14


def test_what_is_broken_comes_beside_what_is_sound(tmp_path):
    sound = write_photos(tmp_path / "a", BUILDINGS, 30, DAY, 2, seed=1)
    more = write_photos(tmp_path / "b", BUILDINGS, 30, DAY, 2, seed=1, defects=0.5)
    kept = {file.relative_to(tmp_path / "a"): file.read_bytes() for file in sound}
    found = {file.relative_to(tmp_path / "b"): file.read_bytes() for file in more}
    added = [file for file in found if file not in kept]
    assert len(added) == pytest.approx(15, abs=8)
    assert all(found[file] == kept[file] for file in kept if file.suffix == ".jpg")


def test_the_world_can_shift():
    usual = list(photos(BUILDINGS, 60, seed=3))
    moved = list(photos(BUILDINGS, 60, seed=3, shift=PhotoShift(light=0.5, leaning=0.5)))
    dark = list(photos(BUILDINGS, 12, seed=3, shift=PhotoShift(light=0.5)))
    first = [label for label, _ in moved].count(BUILDINGS.labels[0])
    assert [label for label, _ in usual].count(BUILDINGS.labels[0]) == 10
    assert 25 < first < 48
    before = [opened(body).mean() for _, body in photos(BUILDINGS, 12, seed=3)]
    assert np.asarray([opened(body).mean() for _, body in dark]) == pytest.approx(
        0.5 * np.asarray(before), rel=0.05
    )
    leaning = photos(AMENITIES, 40, seed=3, shift=PhotoShift(leaning=1))
    assert [label for label, _ in leaning] == [[AMENITIES.labels[0]]] * 40
    leaning = photos(FACADES, 20, seed=3, shift=PhotoShift(leaning=1))
    named = {one["label"] for objects, _ in leaning for one in objects}
    assert named == {FACADES.labels[0]}


def test_a_demo_does_not_wait_for_its_photos():
    began = time.process_time()
    list(photos(ROOMS, 50))
    assert time.process_time() - began < 1.0

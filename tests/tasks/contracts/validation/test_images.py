import io
import json
from datetime import date

import pytest
from PIL import Image

LABELS = ("bedroom", "kitchen")


@pytest.fixture
def rooms(lake, room, stored):
    """60 rooms over two days with labels, then one image of each kind of trouble."""
    lake.dataset = "room_images"
    days = (date(2026, 1, 5), date(2026, 1, 6))
    lines = {day: [] for day in days}

    def add(name, body, label="kitchen", day=days[1], **more):
        lake.put(name, body, day)
        lines[day].append({"file": name, "label": label} | more)

    for seed in range(60):
        size = {"width": 96, "height": 96, "source": "phone"}
        add(f"{seed}.jpg", stored(room(seed)), LABELS[seed % 2], days[seed % 2], **size)
    add("copy.jpg", stored(room(1)))
    add("near.jpg", stored(room(3), quality=50))
    add("other-label.jpg", stored(room(5), quality=60), "bedroom")
    add("cut.jpg", stored(room(100))[:700])
    add("empty.jpg", b"")
    add("garage.jpg", stored(room(101)), "garage")
    add("size.jpg", stored(room(102)), width=64, height=96)
    add("small.jpg", stored(room(103).resize((16, 16))))
    add("bomb.png", bomb(), "kitchen")
    lake.put("unlabelled.jpg", stored(room(104)), days[1])
    lines[days[1]].append({"file": "../../etc/passwd", "label": "kitchen"})
    for day in days:
        body = "".join(f"{json.dumps(line)}\n" for line in lines[day])
        lake.put("labels.jsonl", body.encode(), day)
    return lake


def bomb():
    """A PNG of a few bytes that declares 60,000 × 60,000 pixels."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_each_image_is_set_aside_for_its_own_reasons(rooms, judge, written):
    contract = written("room_images").model_copy(update={"quarantine_limit": 0.3})
    report = judge(contract, rooms)
    found = {
        line["record"]["file"]: sorted(reason["check"] for reason in line["reasons"])
        for line in judge.quarantined()
    }
    assert found == {
        "copy.jpg": ["no_duplicate_images"],
        "near.jpg": ["no_duplicate_images"],
        "other-label.jpg": ["no_conflicting_labels"],
        "5.jpg": ["no_conflicting_labels"],
        "cut.jpg": ["image_decodes"],
        "empty.jpg": ["image_decodes"],
        "garage.jpg": ["label.enum"],
        "size.jpg": ["image_size_as_labelled"],
        "small.jpg": ["image_size"],
        "bomb.png": ["image_decodes"],
        "unlabelled.jpg": ["label.required"],
        "../../etc/passwd": ["file.pattern", "image_decodes"],
    }
    assert report.outcome == "pass"
    assert (report.rows_in, report.rows_good, report.rows_quarantined) == (71, 59, 12)
    assert report.columns["image"] == "image"
    assert report.columns["label"] == "categorical"
    good = judge.out / "good"
    lines = [json.loads(line) for line in (good / "labels.jsonl").read_text().splitlines()]
    images = {path.relative_to(good).as_posix() for path in good.rglob("*.jpg")}
    assert {line["file"] for line in lines} == images
    assert len(images) == 59
    assert not any(b"Maker" in (good / name).read_bytes() for name in images)
    assert len(judge.good()) == 59


def test_over_the_limit_of_images_the_verdict_is_fail(rooms, judge, written):
    assert judge(written("room_images"), rooms).outcome == "fail"


def test_a_name_that_is_no_plain_name_becomes_a_hash(lake, judge, written, room, stored):
    lake.dataset = "room_images"
    lines = []
    for seed in range(30):
        name = f"a room {seed} ; rm -rf $HOME.jpg"
        lake.put(name, stored(room(seed)))
        lines.append(json.dumps({"file": name, "label": "kitchen"}))
    lake.put("labels.jsonl", "\n".join(lines).encode())
    report = judge(written("room_images"), lake)
    assert report.rows_good == 30
    names = [path.name for path in (judge.out / "good").rglob("*.jpg")]
    assert len(set(names)) == 30
    assert all(name.removesuffix(".jpg").isalnum() for name in names)

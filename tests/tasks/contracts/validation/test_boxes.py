"""Boxes that are none are set aside, each with its reason, and push no good photo out."""

import json

import pytest

from tasks.contracts.validation.boxes import box_fault
from tasks.errors import InvalidContract

DOOR = {"label": "door", "box": [0.1, 0.2, 0.3, 0.6]}
BAD = {
    "beyond the right edge": ([0.1, 0.2, 1.3, 0.6], "objects.type", "objects[1].box[2] is 1.3"),
    "before the left edge": ([-0.1, 0.2, 0.3, 0.6], "objects.type", "objects[1].box[0] is -0.1"),
    "three corners": ([0.1, 0.2, 0.3], "objects.type", "3 items, fewer than 4"),
    "text": ([0.1, "0.2", 0.3, 0.6], "objects.type", "objects[1].box[1]"),
    "nothing": ([0.1, None, 0.3, 0.6], "objects.type", "objects[1].box[1] is missing"),
    "turned": ([0.3, 0.2, 0.1, 0.6], "boxes_have_corners", "x0 is 0.3, x1 is 0.1"),
    "without height": ([0.1, 0.2, 0.3, 0.2], "boxes_have_corners", "y0 is 0.2, y1 is 0.2"),
}


def test_a_box_has_four_corners_in_order():
    assert box_fault([DOOR, {"box": [0, 0, 1, 1]}]) is None
    assert box_fault([]) is None
    assert (
        box_fault([DOOR, {"box": [0, 0.5, 1, 0.5]}]) == "[1].box: y0 is 0.5, y1 is 0.5: it is empty"
    )
    assert box_fault([{"box": [0, "a", 1, 2]}]) == "[0].box is not x0, y0, x1, y1"
    assert box_fault(["door"]) == "[0].box is not x0, y0, x1, y1"


def test_each_malformed_box_is_quarantined_with_its_reason(lake, judge, written, room, stored):
    lake.dataset = "object_images"
    lines = {}
    for number, (name, (box, _, _)) in enumerate(BAD.items()):
        lines[f"{number}.jpg"] = (name, json.dumps([DOOR, DOOR | {"box": box}]))
    lines["8.jpg"] = ("a strange class", json.dumps([DOOR | {"label": "moat"}]))
    lines["9.jpg"] = ("no label", json.dumps([{"box": DOOR["box"]}]))
    lines["10.jpg"] = ("not a number", '[{"label": "door", "box": [NaN, 0.2, 0.3, 0.6]}]')
    sound = [f"sound{number}.jpg" for number in range(12)]
    for seed, name in enumerate([*lines, *sound]):
        lake.put(name, stored(room(seed)))
    body = [f'{{"file": "{name}", "objects": {text}}}' for name, (_, text) in lines.items()]
    body += [
        json.dumps({"file": name, "objects": [DOOR] if n else []}) for n, name in enumerate(sound)
    ]
    lake.put("labels.jsonl", "\n".join(body).encode())
    contract = written("object_images").model_copy(update={"quarantine_limit": 0.9})
    report = judge(contract, lake)
    assert report.rows_good == len(sound)
    told, unreadable = {}, []
    for line in judge.quarantined():
        if "record" in line:
            told.setdefault(line["record"]["file"], []).extend(line["reasons"])
        else:
            unreadable += line["reasons"]
    # A NaN is no JSON: the line does not read, and its photo is left without a label.
    assert [reason["check"] for reason in unreadable] == ["row.readable"]
    assert {reason["check"] for reason in told.pop("10.jpg")} == {"objects.required"}
    assert set(told) == set(lines) - {"10.jpg"}
    for file, reasons in told.items():
        _, check, said = BAD.get(lines[file][0], ("", "objects.type", ""))
        assert [reason["check"] for reason in reasons] == [check], file
        assert said in reasons[0]["value"]


def test_only_an_array_has_boxes(contract):
    rule = {"type": "custom", "engine": "sluice", "implementation": {"check": "boxCorners"}}
    column = {"name": "told", "logicalType": "string", "quality": [rule]}
    with pytest.raises(InvalidContract, match="told is of type string; objects with boxes are an"):
        contract([column])
    assert contract([column | {"logicalType": "array"}]).quality[0].kind == "boxCorners"

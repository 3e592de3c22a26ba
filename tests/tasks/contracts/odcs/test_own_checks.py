"""Arguments of engine ``sluice``: what the check cannot use is refused when the file is read."""

import json

import pytest

from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.own_checks import OWN_CHECKS
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

PLACE = {"name": "file", "logicalType": "string"}
SIZES = [{"name": name, "logicalType": "integer"} for name in ("width", "height")]
LABEL = {"name": "label", "logicalType": "string"}


def rule(**body):
    return {"type": "custom", "engine": "sluice", "implementation": body}


def made(body, *columns, form="csv", **more):
    columns = columns or (
        {"name": "s", "logicalType": "string"},
        {"name": "n", "logicalType": "integer"},
        {"name": "list", "logicalType": "array", "items": {"logicalType": "integer"}},
    )
    rules = [rule(**one) for one in (body if isinstance(body, list) else [body])]
    return contract_of(
        document(list(columns), form=form, table={"quality": rules}, **more), "things", "t"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"check": "textlanguage", "column": "s"}, "check 'textlanguage' is not one of"),
        ({"check": ["textLanguage"], "column": "s"}, "is not one of"),
        ({"check": "textLanguage", "column": "s", "language": ["en"]}, "does not know language"),
        ({"check": "textLanguage", "column": "s", "languages": "en"}, "not a list of languages"),
        ({"check": "textLanguage", "column": "s", "languages": []}, "not a list of languages"),
        ({"check": "textLanguage", "column": "s", "languages": ["en", "xx"]}, "names 'xx'; known"),
        ({"check": "textLanguage", "column": "s", "languages": ["EN"]}, "names 'EN'; known"),
        ({"check": "textLanguage", "column": "s", "languages": ["en", "en"]}, "each once"),
        ({"check": "textLanguage", "column": "n"}, "n is of type integer; only a string"),
        ({"check": "textEncoding", "column": "t"}, "column 't' is not a column"),
        ({"check": "textEncoding", "column": ["s"]}, "is not a column"),
        ({"check": "textEncoding"}, "column '' is not a column"),
        ({"check": "noDuplicateText", "column": "s", "within": "n"}, "not a list of columns"),
        ({"check": "noDuplicateText", "column": "s", "within": ["zz"]}, "'zz' is not a column"),
        ({"check": "noDuplicateText", "column": "s", "within": ["list"]}, "list, which is nested"),
        ({"check": "noDuplicateText", "column": "s", "within": ["n", "s"]}, "names s itself"),
        ({"check": "boxCorners", "column": "s"}, "objects with boxes are an array"),
        ({"check": "imageDecodes"}, "looks at images, and the objects of this data set are csv"),
    ],
)
def test_what_a_check_cannot_use_is_refused(body, said):
    with pytest.raises(InvalidContract, match=said):
        made(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"check": "imageSize"}, "would refuse nothing"),
        ({"check": "imageSize", "minWidth": "640"}, "minWidth is '640', not a whole number from 1"),
        ({"check": "imageSize", "maxHeight": 0}, "maxHeight is 0"),
        ({"check": "imageSize", "minWidth": True}, "minWidth is True"),
        ({"check": "imageSize", "minWidth": 32.5}, "minWidth is 32.5"),
        ({"check": "imageSize", "minWidth": 64, "maxWidth": 32}, "no image would pass"),
        ({"check": "noDuplicateImages", "maxDistance": -1}, "maxDistance is -1"),
        ({"check": "noDuplicateImages", "maxDistance": 63}, "whole number from 0 to 62"),
        ({"check": "noDuplicateImages", "maxDifference": "3"}, "not grey levels"),
        ({"check": "noDuplicateImages", "maxDifference": 256}, "not grey levels"),
        ({"check": "noDuplicateImages", "label": "tag"}, "label 'tag' is not a column"),
        ({"check": "noConflictingLabels"}, "label .named by none. 'label' is not a column"),
        ({"check": "imageSizeAsLabelled"}, "compares with width and height"),
    ],
)
def test_what_a_check_of_images_cannot_use_is_refused(body, said):
    with pytest.raises(InvalidContract, match=said):
        made(body, PLACE, form="images")


def test_every_check_loads_with_all_its_arguments():
    values = {
        "minWidth": 1, "maxWidth": 1, "minHeight": 2, "maxHeight": 3, "maxDistance": 0,
        "maxDifference": 0.5, "label": "tag", "languages": ["en", "de"], "within": ["n"],
    }  # fmt: skip
    boxes = {"name": "boxes", "logicalType": "array", "items": {"logicalType": "string"}}
    columns = [
        PLACE, *SIZES, boxes, {"name": "tag", "logicalType": "string"},
        {"name": "s", "logicalType": "string"}, {"name": "n", "logicalType": "integer"},
    ]  # fmt: skip
    for check, can in OWN_CHECKS.items():
        body = {"check": check, **{name: values[name] for name in can.arguments}}
        if can.column:
            body["column"] = "boxes" if "array" in can.column else "s"
        (quality,) = made(body, *columns, form="images").quality
        assert (quality.kind, quality.column) == (check, body.get("column", ""))
        assert quality.arguments == {name: values[name] for name in can.arguments}


def test_two_bounds_of_one_kind_are_both_kept(lake, judge):
    english = {"check": "textLanguage", "column": "s", "languages": ["en"]}
    latin = {"check": "textLanguage", "column": "s", "languages": ["en", "de"]}
    contract = made([latin, english], {"name": "s", "logicalType": "string"})
    texts = ["the house is near the sea and it is on a hill", "das ist nicht die Stadt und der See"]
    lake.csv("a.csv", [(text,) for text in texts], ["s"])
    judge(contract, lake)
    assert judge.reasons() == {3: ["s.textLanguage#2"]}
    judge(made([english, latin], {"name": "s", "logicalType": "string"}), lake)
    assert judge.reasons() == {3: ["s.textLanguage"]}


def test_labels_and_sizes_are_read_under_the_names_of_the_file(lake, judge, room, stored):
    lake.dataset = "things"
    lines = []
    for name, seed, tag, width in (
        ("a.jpg", 1, "x", 96),
        ("b.jpg", 1, "x", 96),
        ("c.jpg", 2, "x", 96),
        ("d.jpg", 2, "y", 96),
        ("e.jpg", 3, "x", 64),
    ):
        lake.put(name, stored(room(seed)))
        lines.append({"file": name, "meta": {"TAG": tag}, "W": width, "height": 96})
    lake.put("labels.jsonl", "".join(f"{json.dumps(line)}\n" for line in lines).encode())
    tag = {"name": "tag", "physicalName": "TAG", "logicalType": "string"}
    contract = made(
        [
            {"check": "noDuplicateImages", "label": "meta.tag"},
            {"check": "noConflictingLabels", "label": "meta.tag"},
            {"check": "imageSizeAsLabelled"},
        ],
        PLACE,
        {"name": "meta", "logicalType": "object", "properties": [tag]},
        {"name": "width", "physicalName": "W", "logicalType": "integer"},
        {"name": "height", "logicalType": "integer"},
        form="images",
        limit=0.9,
    )
    judge(contract, lake)
    found = {
        line["record"]["file"]: [reason["check"] for reason in line["reasons"]]
        for line in judge.quarantined()
    }
    assert found == {
        "b.jpg": ["row.noDuplicateImages"],
        "c.jpg": ["row.noConflictingLabels"],
        "d.jpg": ["row.noConflictingLabels"],
        "e.jpg": ["row.imageSizeAsLabelled"],
    }


def test_copies_are_found_among_images_without_labels(lake, judge, room, stored):
    for name in ("a.jpg", "b.jpg"):
        lake.put(name, stored(room(1)))
    lake.put("c.jpg", stored(room(2)))
    judge(made({"check": "noDuplicateImages"}, PLACE, form="images"), lake)
    assert [line["record"]["file"] for line in judge.quarantined()] == ["b.jpg"]

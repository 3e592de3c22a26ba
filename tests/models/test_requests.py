"""What a client sends wrongly is its own fault, whatever it is: 4xx, never a failure of ours."""

import asyncio
import base64
import io
import json
import struct
import zlib
from contextlib import suppress

import httpx
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from models.runtime.inputs.image import Image as Photo
from models.runtime.inputs.pairs import InteractionPairs
from models.runtime.inputs.tabular import Tabular
from models.runtime.inputs.text import Text
from models.runtime.serving.app import create_app
from models.runtime.serving.limits import MOST_BODY_BYTES, MOST_INSTANCES
from models.runtime.serving.requests import instances_of
from models.runtime.serving.telemetry import Telemetry
from models.runtime.tables.cells import BadInput, shown
from models.runtime.texts.words import described

NUMBER = {"name": "x", "type": "number", "required": True, "example": 1}
OPTIONAL = {"name": "y", "type": "number", "required": False, "example": 2}
DAY = {"name": "day", "type": "date", "required": False, "example": "2026-01-31"}
SCALED = {"op": "number", "of": "one", "log": False, "add": 0, "mean": 0, "std": 1, "clip": 5}
TABLE = Tabular(
    {
        "columns": [NUMBER, OPTIONAL, DAY],
        "features": [
            {**SCALED, "columns": ["x"]},
            {**SCALED, "columns": ["x", "y"], "of": "ratio", "log": True},
            {"op": "flag", "column": "y", "above": 3},
            {"op": "one_hot", "column": "x", "values": [1, 2]},
            {
                "op": "fourier", "columns": ["x", "y"], "center": [0, 0], "scale": [1e-9, 1],
                "angles": [0.0, 1.0], "frequencies": [1.0, 64.0],
            },
            {
                "op": "days", "column": "day", "origin": "2026-01-01", "newest": 9, "beyond": 3,
                "unit": 365,
            },
        ],
    }
)  # fmt: skip


def photos(side):
    scaled = {"scale": 1 / 127.5, "offset": -1.0}
    return Photo({"pixels": {"height": side, "width": side, **scaled}})


PHOTOS = photos(4)
TEXTS = Text(
    {
        "columns": [{"name": "x", "type": "text", "required": True, "example": "a"}],
        "text": described(8, (1, 2), 9),
    }
)
PAIRS = InteractionPairs(
    {
        "user": {"name": "x", "type": "text", "required": True, "example": "a"},
        "users": ["a", "b"], "columns": [], "k": 5, "most": 10, "exclude_seen": False,
    }
)  # fmt: skip


def body(*instances):
    return json.dumps({"instances": list(instances)}).encode()


def png(width, height):
    """A valid header of any size, with no picture behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def encoded(data):
    return {"b64": base64.b64encode(data).decode()}


def picture(kind, mode="RGB", size=(8, 8)):
    made = io.BytesIO()
    Image.new(mode, size, 7).save(made, kind)
    return made.getvalue()


def moving(kind):
    made = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    frames[0].save(made, kind, save_all=True, append_images=frames[1:])
    return made.getvalue()


NO_NUMBERS = [
    "1_000", "\u0663", "\uff11", "high", "", " ", "0x10", "1e", "nan", "inf", "-Infinity", "1,5",
    "1" * 500, True, False, [1], {"v": 1}, [[]], "\ud800", "1\n2", "\u00a01", " 7", "7 ", "\t7",
]  # fmt: skip


@pytest.mark.parametrize("value", NO_NUMBERS, ids=range(len(NO_NUMBERS)))
def test_what_is_no_number_names_instance_and_column(value):
    with pytest.raises(BadInput, match=r"^instance 1: column 'x' is .*, no number$"):
        TABLE.decode(instances_of(body({"x": 1}, {"x": value})))


@pytest.mark.parametrize("text", ["1" + "0" * 400, "-1" + "0" * 400, "1e400", '"9e999"'])
def test_what_no_number_can_hold_is_not_finite(text):
    with pytest.raises(BadInput, match=r"instance 0: column 'x' is .*, not finite"):
        TABLE.decode(instances_of(b'{"instances": [{"x": %s}]}' % text.encode()))


@pytest.mark.parametrize("value", ["12", "-1.5", "+.5", "3.", "1E3", 7, 7.5, 10**300])
def test_numbers_are_read_as_they_are_written(value):
    assert TABLE.decode(instances_of(body({"x": value})))["x"][0] == float(value)


@pytest.mark.parametrize(
    "value", ["31.1.2026", "2026-02-30", "", 5, True, ["2026-01-31"], "２０２６-01-31", "\ud800"]
)
def test_what_is_no_date_names_instance_and_column(value):
    with pytest.raises(BadInput, match=r"^instance 0: column 'day' is .*, not a date"):
        TABLE.decode(instances_of(body({"x": 1, "day": value})))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "not JSON"),
        (b"1,2,3", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"\x1f\x8b\x08\x00", "not JSON"),
        ('{"instances": [{"x": "\xe9"}]}'.encode("latin-1"), "not JSON"),
        (b'{"instances":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "nested too deeply"),
        (b'{"instances":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "nested too deeply"),
        (b'{"instances": [' + b"9" * 5000 + b"]}", "not JSON"),
        (b'{"instances": [NaN]}', "NaN is no JSON number"),
        (b'{"instances": [-Infinity]}', "-Infinity is no JSON number"),
        (b'{"instances": {"x": 1}}', "expected"),
        (b'{"inputs": [1]}', "expected"),
        (b'{"instances": [1], "instances": [2]}', "the key 'instances' stands twice"),
        (b'{"instances": [{"x": 1, "x": 2}]}', "the key 'x' stands twice"),
        (b"null", "expected"),
        (b'"instances"', "expected"),
        (b'{"instances": []}', "at least one"),
        (b'{"instances": [' + b"1," * MOST_INSTANCES + b"1]}", f"at most {MOST_INSTANCES}"),
    ],
    ids=range(18),
)
def test_a_body_that_holds_no_instances_is_told_why(sent, message):
    with pytest.raises(BadInput, match=message):
        instances_of(sent)


@pytest.mark.parametrize("depth", [2, 60, 200, 900])
def test_a_deep_value_is_refused_where_it_stands(depth):
    deep = b"[" * depth + b"]" * depth
    with pytest.raises(BadInput):
        TABLE.decode(instances_of(b'{"instances": [{"x": ' + deep + b"}]}"))
    with pytest.raises(BadInput):
        TABLE.decode(instances_of(b'{"instances": [' + deep + b"]}"))
    with pytest.raises(BadInput):
        PHOTOS.decode(instances_of(b'{"instances": [' + deep + b"]}"))


GREY = [[[128] * 3] * 4] * 4
NO_IMAGES = {
    "no base64": ({"b64": "@@"}, "not base64"),
    "other letters": ({"b64": "\u0431\u0430"}, "not base64"),
    "nothing": ({"b64": ""}, "not an image"),
    "a number": ({"b64": 5}, "expected"),
    "a text": (encoded(b"hello"), "not an image"),
    "half a JPEG": (encoded(picture("JPEG", size=(64, 64))[:200]), "not an image"),
    "half a PNG": (encoded(picture("PNG", size=(64, 64))[:60]), "not an image"),
    "too many pixels": (encoded(png(10_000, 10_000)), "too many"),
    "a bomb": (encoded(png(60_000, 60_000)), "not an image"),
    "no pixels": (encoded(png(0, 5)), "not an image"),
    "another format": (encoded(picture("GIF", "P")), "not an image"),
    "a script": (encoded(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "not an image"),
    "texts": ([[["7"] * 3] * 4] * 4, "expected"),
    "truths": ([[[True] * 3] * 4] * 4, "expected"),
    "a truth among numbers": ([*GREY[:3], [*GREY[0][:3], [1, True, 1]]], "true is none"),
    "a moving PNG": (encoded(moving("PNG")), "it moves"),
    "a moving WebP": (encoded(moving("WEBP")), "it moves"),
    "half a WebP": (encoded(picture("WEBP", size=(64, 64))[:60]), "not an image"),
    "an icon": (encoded(picture("ICO", size=(32, 32))), "not an image"),
    "a TIFF": (encoded(picture("TIFF")), "not an image"),
    "gaps": ([[[None] * 3] * 4] * 4, "expected"),
    "huge numbers": ([[[10**400] * 3] * 4] * 4, "expected"),
    "rows of two lengths": ([*GREY[:3], [[1, 2, 3]]], "expected"),
    "too few": (GREY[:3], "shape"),
    "none": ([], "shape"),
    "too bright": ([[[256] * 3] * 4] * 4, "0 … 255"),
    "one number": (5, "expected"),
    "no value": (None, "expected"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", NO_IMAGES)
def test_what_is_no_image_names_its_instance(name):
    sent, message = NO_IMAGES[name]
    with pytest.raises(BadInput, match=f"^instance 1: .*{message}") as refused:
        PHOTOS.decode(instances_of(body(GREY, sent)))
    assert "0x" not in str(refused.value), "addresses in memory tell a client nothing"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_images_of_the_documented_formats_are_read(kind):
    assert PHOTOS.decode(instances_of(body(encoded(picture(kind)))))["image"].shape == (1, 4, 4, 3)


MODES = [
    ("PNG", "P"), ("PNG", "1"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "RGBA"), ("PNG", "I;16"),
    ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGBA"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "mode"), MODES, ids="-".join)
def test_images_of_other_colours_are_read(kind, mode):
    (read,) = PHOTOS.decode(instances_of(body(encoded(picture(kind, mode)))))["image"]
    assert read.shape == (4, 4, 3)


def test_of_sixteen_bits_the_upper_eight_count():
    made = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8001, np.uint16)).save(made, "PNG")
    (read,) = PHOTOS.decode([encoded(made.getvalue())])["image"]
    assert (read == 0x80).all()


def test_a_phones_photo_that_holds_a_second_one_is_read():
    made = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), shade) for shade in ("red", "blue")]
    frames[0].save(made, "MPO", save_all=True, append_images=frames[1:])
    (read,) = PHOTOS.decode([encoded(made.getvalue())])["image"]
    assert read[0, 0, 0] > 200
    assert read[0, 0, 2] < 60


def test_pixels_are_counted_before_any_is_made():
    bombs = [encoded(png(7_000, 7_000))] * 4
    assert PHOTOS.unpacked([*bombs, GREY]) == 4 * 49_000_000
    with pytest.raises(BadInput, match=r"instance 4: .* pixels together"):
        PHOTOS.unpacked([*bombs, *bombs])


def test_many_images_are_bounded_by_what_they_become():
    large = photos(2000)
    with pytest.raises(BadInput, match="5 images; at most 4"):
        large.decode([encoded(picture("PNG"))] * 5)


def test_many_large_images_are_bounded_together():
    flat = encoded(picture("PNG", "1", (7_000, 7_000)))
    with pytest.raises(BadInput, match=r"instance 4: .* pixels together"):
        PHOTOS.decode([flat] * 5)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["x", "y", "day", "b64", "k"]) | st.text(max_size=3), inner
        )
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=200)
    | st.lists(JSON_VALUES, max_size=4).map(lambda sent: json.dumps({"instances": sent}).encode())
    | JSON_VALUES.map(lambda sent: json.dumps(sent).encode())
    | st.binary(max_size=120).map(lambda data: body(encoded(data)))
)


@settings(max_examples=300)
@given(BODIES)
@example(b'{"instances":[{"x":1' + b"0" * 400 + b"}]}")
@example(b'{"instances":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}")
def test_any_bytes_are_read_or_refused_and_nothing_else(sent):
    for model in (TABLE, PHOTOS, TEXTS, PAIRS):
        with suppress(BadInput):
            instances = instances_of(sent)
            assert model.unpacked(instances) >= 0
            prepared = model.transform(model.decode(instances))
            assert all(np.isfinite(values).all() for values in prepared.values())


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1.7e308, 1.7e308))
@example(1.7e308, -1.7e308)
def test_no_finite_number_reaches_the_graph_as_another_thing(x, y):
    assert np.isfinite(TABLE.transform(TABLE.decode([{"x": x, "y": y}]))["features"]).all()


def test_half_a_character_reaches_no_model():
    (text, whole), key = instances_of(b'{"instances": ["a\\ud800b", "\\ud83d\\ude00"]}'), "\ufffd"
    assert (text, whole) == (f"a{key}b", "\U0001f600")
    assert instances_of(b'{"instances": [{"\\udfff": "\\\\ud800"}]}') == [{key: "\\ud800"}]


def test_a_message_is_short_and_can_be_logged():
    assert len(shown("x" * 10_000)) < 130
    assert shown("\ud800") == "'\\ud800'"
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "[[[...]]]"


class Steady:
    """Answers each row with its first number."""

    edges = (1.0,)
    address = ""

    def __init__(self):
        self.seen = 0

    def unpacked(self, instances):
        return TABLE.unpacked(instances)

    def predict(self, instances):
        values = TABLE.transform(TABLE.decode(instances))["features"][:, 0].tolist()
        self.seen += len(values)
        return values, values

    def test_itself(self):
        self.predict([TABLE.example()])


def post(content, headers=None):
    telemetry = Telemetry([], "steady")
    transport = httpx.ASGITransport(create_app(Steady(), telemetry))

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.post("/invocations", content=content, headers=headers)

    return asyncio.run(ask()), telemetry.counts()


@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        (b"1,2,3", "text/csv", 415, r"content type is 'text/csv'; application/json"),
        (picture("PNG"), "image/png", 415, "content type is 'image/png'"),
        (b"1,2,3", "application/json", 400, "not JSON"),
        (b"x" * (MOST_BODY_BYTES + 1), "application/json", 413, "at most"),
        (body({"x": "1_000"}), "application/json", 400, "instance 0: column 'x'"),
        (b'{"instances": [{"x": "\\ud800"}]}', "application/json", 400, "instance 0: column 'x'"),
    ],
    ids=range(6),
)
def test_the_server_answers_4xx_and_counts_no_failure(content, kind, status, message):
    answer, counted = post(content, {"content-type": kind})
    assert answer.status_code == status
    assert message.replace("\\", "") in answer.json()["error"]
    assert (counted.rejected, counted.failed) == (1, 0)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/octet-stream", "text/plain", ""]
)
def test_json_is_read_under_any_label(kind):
    answer, counted = post(body({"x": 2, "more": "is not read"}), {"content-type": kind})
    assert answer.json() == {"predictions": [2.0]}
    assert counted.rejected == 0


def test_a_body_that_never_ends_is_left_when_it_is_too_long():
    sent = []

    async def endless():
        while True:
            sent.append(1)
            yield b"x" * 1_000_000

    answer, _ = post(endless())
    assert answer.status_code == 413
    assert len(sent) < 40, "the rest is taken for a moment and thrown away"

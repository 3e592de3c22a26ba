import base64
import io
import json
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deployments.demo.generate import property_sales, room_photos
from models.programs.contract import load_code
from models.programs.data import Split
from models.programs.preprocess import (
    BadInput,
    Images,
    Tabular,
    answers,
    preprocessor,
    scores,
    standard,
)
from models.programs.script_mode import Hyperparameters
from tests.models.trained import ROOT

CODE = load_code(ROOT / "models" / "price-estimator" / "model.py")
SALES = property_sales(300, date(2026, 1, 1), 30, seed=1)
INPUTS = {
    name: values if name == "date" else values.astype(np.float64)
    for name, values in SALES.items()
    if name not in {"id", "price"}
}
SPEC = CODE.preprocess(Split(SALES["id"].astype(str), INPUTS, SALES["price"]), Hyperparameters({}))
PRICES = Tabular(json.loads(json.dumps(SPEC)))
ROOMS = Images(
    {
        "kind": "image",
        "input": {"shape": [1, 32, 32, 3]},
        "pixels": {"scale": 1 / 127.5, "offset": -1.0},
    }
)


def instance(number=0, **changes):
    row = {name: values[number].item() for name, values in INPUTS.items() if name != "date"}
    return {**row, "date": str(INPUTS["date"][number]), **changes}


def test_a_request_is_prepared_as_the_training_rows_were():
    rows = PRICES.transform(PRICES.decode([instance(number) for number in range(20)]))
    trained = PRICES.transform({name: values[:20] for name, values in INPUTS.items()})
    np.testing.assert_array_equal(rows, trained)
    assert rows.dtype == np.float32


def test_training_rows_are_of_one_scale():
    rows = PRICES.transform(INPUTS)
    assert np.abs(rows).max() <= 5
    numbers = [f for f in SPEC["features"] if f["op"] == "number"]
    np.testing.assert_allclose(rows[:, : len(numbers)].mean(axis=0), 0, atol=0.05)


def test_features_together_are_what_they_are_alone():
    numbers = [f for f in SPEC["features"] if f["op"] == "number"]
    together = Tabular({"columns": [], "features": numbers}).transform(INPUTS)
    alone = [Tabular({"columns": [], "features": [f]}).transform(INPUTS) for f in numbers]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


@given(st.dictionaries(st.sampled_from(sorted(set(INPUTS) - {"date"})), st.floats(-1e12, 1e12)))
def test_whatever_a_client_sends_the_graph_gets_small_finite_numbers(changes):
    row = PRICES.transform(PRICES.decode([instance(**changes)]))
    assert np.isfinite(row).all()
    assert np.abs(row).max() <= 5


def test_an_unknown_zip_code_is_no_zip_code():
    rows = PRICES.transform(PRICES.decode([instance(), instance(zipcode=12345)]))
    zip_codes = np.unique(INPUTS["zipcode"])
    assert rows[0].sum() != rows[1].sum()
    assert (rows[0] != rows[1]).sum() == 1
    assert len(zip_codes) > 5


def test_no_date_means_the_newest_and_the_trend_is_not_carried_far():
    rows = PRICES.transform(
        PRICES.decode([instance(date=day) for day in (None, "2026-01-30", "2099-01-01")])
    )
    newest = (INPUTS["date"].max() - INPUTS["date"].min()).astype(int)
    assert rows[0, -1] == pytest.approx(newest / 365)
    assert rows[2, -1] == pytest.approx((newest + 60) / 365)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("text", "expected an object"),
        (instance(grade=None), "'grade' is missing"),
        (instance(grade="high"), "'grade' is 'high', no number"),
        (instance(grade=float("inf")), "'grade' is inf, not finite"),
        (instance(date="yesterday"), "'date' is 'yesterday', not a date"),
        (instance(date=5), "not a date"),
    ],
)
def test_a_bad_row_is_named_with_its_number(row, message):
    with pytest.raises(BadInput, match=f"instance 1: .*{message}"):
        PRICES.decode([instance(), row])


def test_the_example_can_be_predicted():
    assert np.isfinite(PRICES.transform(PRICES.decode([PRICES.example()]))).all()


def test_an_unknown_column_value_is_filled_with_the_mean():
    missing = PRICES.transform(PRICES.decode([instance(sqft_lot15=None)]))
    assert np.isfinite(missing).all()
    fitted = standard({"a": np.array([1.0, np.nan, 3.0])}, ["a"])
    assert (fitted["mean"], fitted["std"]) == (2.0, 1.0)


def encoded(image):
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return {"b64": base64.b64encode(packed.getvalue()).decode()}


def test_an_image_comes_as_file_or_as_numbers():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    got = ROOMS.decode([encoded(Image.fromarray(pixels)), pixels.tolist()])
    np.testing.assert_array_equal(got[0], pixels)
    np.testing.assert_array_equal(got[1], pixels)
    prepared = ROOMS.transform(got)
    assert (prepared.min(), prepared.max()) == (pixels.min() / 127.5 - 1, pixels.max() / 127.5 - 1)


def test_a_photo_of_any_size_and_mode_is_brought_to_size():
    _, photo = next(iter(room_photos(1)))
    grey = encoded(Image.new("L", (500, 20), 255))
    got = ROOMS.decode([{"b64": base64.b64encode(photo).decode()}, grey])
    assert got.shape == (2, 32, 32, 3)
    assert got[1].min() == 255


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"b64": "@@"}, "b64 is not an image"),
        ({"b64": "aGVsbG8="}, "b64 is not an image"),
        ({}, "expected"),
        ([[1, 2], [3, 4]], "shape"),
        ([[[300] * 3] * 32] * 32, "0 … 255"),
        ([[["x"] * 3] * 32] * 32, "expected"),
    ],
)
def test_what_is_no_image_is_refused(sent, message):
    with pytest.raises(BadInput, match=message):
        ROOMS.decode([sent])


def test_answers_carry_the_threshold_of_the_contract():
    output = {"kind": "classes", "classes": ["a", "b"], "confidence_threshold": 0.8}
    raw = np.array([[0.1, 0.9], [0.7, 0.3]], dtype=np.float32)
    sure, unsure = answers({"output": output}, raw)
    assert (sure["label"], sure["confident"]) == ("b", True)
    assert (unsure["label"], unsure["confident"]) == ("a", False)
    assert scores({"output": output}, raw) == pytest.approx([1.9, 0.7])


def test_prices_come_back_in_dollars():
    output = SPEC["output"]
    logged = (np.log(500_000.0) - output["offset"]) / output["scale"]
    (price,) = answers(SPEC, np.array([[logged]], dtype=np.float32))
    assert price == pytest.approx(500_000, rel=1e-5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'sound'"):
        preprocessor({"kind": "sound"})

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.conversion.convert import require
from tasks.conversion.report import (
    ARTIFACTS,
    ConversionReport,
    Converted,
    Parity,
    judge,
    parity_of,
    wanted,
)
from tasks.errors import ArtifactTooLarge, ConversionError, ParityExceeded
from tasks.specs.conversion import ConversionSpec, FormatSpec

LIMIT = FormatSpec(max_bytes=1000, max_error=0.01)
SPEC = ConversionSpec(tflite_int8=LIMIT, tfjs_float16=LIMIT)


def made(name="tflite_int8", size=1000, error=0.01, files=None):
    parity = Parity(
        rows=4, mean_error=error, max_error=error, latency_ms_p50=0.25, runtime="LiteRT 2.3"
    )
    return Converted(
        format=name, files=files or {ARTIFACTS[name]: size}, parities=(parity,), seconds=1.0
    )


def report(*formats):
    return ConversionReport(
        model="prices",
        formats=formats,
        versions={"tensorflow": "2.21.0"},
        seconds={"conversion": 9.0},
        verdict=judge("prices", SPEC, formats),
    )


def test_what_lies_on_its_limits_passes():
    got = report(made(), made("tfjs_float16"))
    assert got.verdict.outcome == "pass"
    require(got)


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (made(size=1001), ArtifactTooLarge, "tflite_int8 size"),
        (made(size=0), ArtifactTooLarge, "tflite_int8 size"),
        (made(error=0.0101), ParityExceeded, "tflite_int8 parity: 0.01"),
        (made(error=None), ParityExceeded, "an answer is not finite"),
        (made(error=math.nan), ParityExceeded, "tflite_int8 parity"),
    ],
)
def test_what_breaks_a_limit_goes_no_further(bad, error, words):
    got = report(bad, made("tfjs_float16"))
    assert got.verdict.outcome == "fail"
    with pytest.raises(error, match=words):
        require(got)


def test_a_format_that_was_not_made_is_an_error_and_no_pass():
    got = report(made())
    assert got.verdict.outcome == "error"
    with pytest.raises(ConversionError, match="tfjs_float16"):
        require(got)


def test_a_client_downloads_all_files_of_a_format():
    parts = {"tfjs/model.json": 400, "tfjs/group1-shard1of1.bin": 601}
    got = report(made(), made("tfjs_float16", files=parts))
    assert got.verdict.outcome == "fail"
    assert "tfjs_float16 size: 1.0 kB (bound ≤ 1.0 kB)" in got.verdict.reason
    assert got.files == (
        "signatures.json",
        "tfjs/group1-shard1of1.bin",
        "tfjs/model.json",
        "tflite/model_int8.tflite",
        "vectors.json",
    )


def test_a_model_that_asks_for_no_format_has_nothing_to_prove():
    assert judge("prices", ConversionSpec(), ()).outcome == "pass"
    assert wanted(ConversionSpec()) == {}


def test_the_page_shows_each_format_with_its_proof():
    page = report(made(error=0.0012), made("tfjs_float16", error=None, size=999_999)).to_markdown()
    assert "## ✘ Conversion of prices: fail" in page
    assert "| TFLite int8 | 1.0 kB | 0.0012 | 0.0012 | 4 | 0.250 ms | LiteRT 2.3 |" in page
    assert "| not finite | not finite |" in page
    assert "tensorflow 2.21.0" in page


def test_the_manifest_gets_the_mean_errors():
    assert report(made(error=0.002), made("tfjs_float16")).parity == {
        "tflite_int8": 0.002,
        "tfjs_float16": 0.01,
    }


rows = st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=30)


@given(rows)
def test_the_same_answers_have_no_error(values):
    got = parity_of(values, values, 1.0, "x")
    assert (got.mean_error, got.max_error, got.rows) == (0.0, 0.0, len(values))


@given(rows, st.floats(1e-3, 10))
@example([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]], 3.166229113842175)
def test_errors_are_absolute_differences(values, shift):
    moved = [[value + shift * (-1) ** index for index, value in enumerate(row)] for row in values]
    got = parity_of(values, moved, 1.0, "x")
    assert got.mean_error == pytest.approx(shift, rel=1e-3, abs=1e-8)
    assert got.max_error is not None
    assert got.max_error >= got.mean_error


@given(rows, st.sampled_from([None, math.nan, math.inf]), st.data())
def test_one_answer_that_is_not_finite_spoils_all(values, broken, data):
    answers = [list(row) for row in values]
    answers[data.draw(st.integers(0, len(values) - 1))][0] = broken
    got = parity_of(values, answers, 1.0, "x")
    assert (got.mean_error, got.max_error) == (None, None)


def test_missing_answers_are_no_parity():
    with pytest.raises(ValueError, match="1 answers for 2 rows"):
        parity_of([[1.0], [2.0]], [[1.0]], 1.0, "x")
    with pytest.raises(ValueError, match="0 answers"):
        parity_of([], [], 1.0, "x")

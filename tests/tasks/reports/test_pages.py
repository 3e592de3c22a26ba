import base64
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from tasks.reports.artifacts import key_for, presented
from tasks.reports.chart import image, line_chart
from tasks.reports.pages import table
from tasks.settings import settings

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.dictionaries(
        st.text(max_size=8), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=6), max_size=4
    ),
    st.booleans(),
)
def test_a_chart_is_well_formed_whatever_was_measured(series, logarithmic):
    name = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
    clean = {name.sub("", key): points for key, points in series.items()}
    svg = line_chart("t", clean, logarithmic=logarithmic)
    ET.fromstring(svg)  # noqa: S314  our own text
    drawn = re.sub(r"<text[^>]*>.*?</text>", "", svg, flags=re.DOTALL)
    assert not re.search(r"nan|inf", drawn)


def test_a_picture_needs_no_network():
    data = re.search(r"base64,([^)]+)\)", image(line_chart("t", {}), "a chart")).group(1)
    assert base64.b64decode(data).startswith(b"<svg")


def test_a_cell_cannot_break_its_table():
    assert table(("a",), [("x|y\nz <b> >= 1",)]).splitlines()[2] == "| x\\|y z &lt;b> ≥ 1 |"


def test_names_of_a_runs_pages_are_in_the_order_of_its_stages():
    stages = ("snapshot", "contract", "drift", "rows", "training", "gate", "conversion")
    keys = [key_for(stage, "Prices_A") for stage in (*stages, "bundle", "release", "summary")]
    assert keys == sorted(keys)
    assert keys[0] == "1-snapshot-prices-a"
    assert key_for("upload", "m") == "upload-m"


def test_what_is_shown_fits_and_opens(monkeypatch):
    monkeypatch.setenv("SLUICE_S3_CONSOLE_URL", "http://127.0.0.1:1/_embedded/s3/{bucket}/{key}")
    settings.cache_clear()
    told = presented("| a | b |\n|---|---|\n| " + "word " * 40 + "| `s3://b/k` |")
    assert "<br>" in told
    assert '[s3://b/k](http://127.0.0.1:1/_embedded/s3/b/k "s3://b/k")' in told

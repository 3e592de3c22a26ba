"""The gate's page: one row a comparison, its interval beside it, drawn; then every metric."""

import base64
import re
from xml.etree import ElementTree as ET

import numpy as np

from models.runtime.answers import HeldOutAnswers
from tasks.gates.decide import findings, verdict_of
from tasks.gates.page import gate_page
from tasks.gates.picture import forest
from tasks.model_spec import GateSpec
from tasks.specs.gates import SliceSpec
from tests.tasks.gates.answered import classed, measured, side_by_side, valued

GATES = (
    GateSpec(metric="mae", at_most=150000, no_worse_than_champion=0.05, no_worse_than_baseline=0.1),
    GateSpec(metric="abs_bias", at_most=0.1),
)
CANDIDATE = {"mae": 78412.345678, "abs_bias": 0.0123456, "r2": 0.871234, "rows": 2500.0}
CHAMPION = {"mae": 81234.56, "abs_bias": 0.0212, "r2": 0.8612}
BASELINE = {"mae": 84999.99, "abs_bias": 0.0043, "r2": 0.8512}
NOISE = np.random.default_rng(0).normal(0, 5, 300)


def page(candidate=CANDIDATE, champion=CHAMPION, baseline=BASELINE, gates=GATES, evidence=None):
    found = findings(gates, candidate, champion, baseline, evidence)
    verdict = verdict_of("prices", found)
    return gate_page("prices", verdict, found, candidate, champion, baseline, evidence)


def row(text, *cells):
    return next(
        line
        for line in text.splitlines()
        if [cell.strip() for cell in line.split("|")[1 : 1 + len(cells)]] == list(cells)
    )


def drawings(text):
    return [
        ET.fromstring(base64.b64decode(data))  # noqa: S314 - we drew it
        for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)
    ]


def words(svg):
    return [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_candidate_champion_and_baseline_stand_side_by_side():
    text = page()
    assert row(text, "mae", "78,412", "81,235", "85,000", "-3.5\u00a0%")
    assert row(text, "r2", "0.8712", "0.8612", "0.8512", "+1.2\u00a0%")
    assert row(text, "abs\\_bias", "1.23\u00a0%", "2.12\u00a0%", "0.43\u00a0%", "-41.8\u00a0%")
    assert "2,500 rows were learned from or held out." in text


def test_a_bound_is_told_in_the_unit_of_what_it_bounds():
    text = page()
    assert row(text, "✔", "mae", "78,412", "≤ 150,000", "", "a fixed bound")
    assert row(text, "✔", "abs\\_bias", "1.23\u00a0%", "≤ 10\u00a0%", "", "a fixed bound")
    assert row(text, "✔", "mae vs champion", "78,412", "≤ 85,296", "81,235")
    assert not re.search(r"(?<![.\d])\d{4,}", text.replace(",", "x")), (
        "a number without its separators"
    )


def test_what_is_broken_is_named_first_and_its_figures_stand_in_the_table():
    text = page(candidate={**CANDIDATE, "mae": 1234567.891})
    assert text.startswith("# ✘ Gate of prices: fail\n\n3 of 4 checks did not pass: mae,")
    assert row(text, "✘", "mae", "1,234,568", "≤ 150,000", "", "a fixed bound")


def test_the_first_version_has_no_champions_column():
    text = page(champion=None)
    assert row(text, "metric", "candidate", "baseline")
    assert "Nothing serves yet" in text


def test_what_was_not_measured_is_a_dash_and_never_a_number():
    text = page(candidate={"abs_bias": 0.01}, baseline={})
    assert text.startswith("# ⚠ Gate of prices: error")
    assert row(text, "mae", "–", "81,235", "–", "–")


def intervals():
    rule = SliceSpec(column="city", no_worse_than_champion=0.1)
    gates = (
        GateSpec(
            metric="mae", at_most=9.0, no_worse_than_champion=0.1, confidence=0.95, slices=(rule,)
        ),
    )
    candidate, champion = valued(NOISE * 1.02), valued(NOISE)
    cities = ["Kent"] * 140 + ["Seattle"] * 140 + ["Duvall"] * 20
    evidence = side_by_side(candidate, champion, city=cities)
    return page(measured(candidate), measured(champion), {}, gates, evidence)


def test_an_interval_stands_beside_its_bound_and_a_difference_bears_its_sign():
    text = intervals()
    header = ["", "gate", "slice", "candidate", "bound", "interval", "against", "why"]
    assert row(text, *header)
    differences = [line for line in text.splitlines() if "vs<br>champion" in line]
    assert len(differences) == 4
    assert all(
        re.search(r"\| ≤ \+0\.\d+ \| \+0\.\d+ to<br>\+0\.\d+ \|", d) for d in differences[:3]
    )
    assert "not judged: 20 of 50 rows" in differences[3].replace("<br>", " ")
    assert differences[3].startswith("| – |"), "what was not judged bears no tick"
    (value,) = (line for line in text.splitlines() if line.startswith("| ✔ | mae |"))
    assert "| ≤ 9 |" in value
    assert re.search(r"\| \d\.\d+ to \d\.\d+ \|", value)


def test_differences_are_drawn_with_their_margins_the_whole_first():
    (svg,) = drawings(intervals())
    assert [word for word in words(svg) if word.startswith("mae")] == [
        "mae vs champion",
        "mae, city: Kent",
        "mae, city: Seattle",
    ]
    assert int(svg.get("width")) <= 820


def test_nothing_is_drawn_where_no_difference_has_an_interval():
    assert forest(findings(GATES, CANDIDATE, CHAMPION, BASELINE)) == ""
    assert drawings(page()) == []


def test_classes_are_shown_as_they_were_taken_for_each_other():
    candidate = classed(np.arange(100) % 10 != 0)
    gates = (GateSpec(metric="accuracy", at_least=0.5),)
    text = page(measured(candidate), None, {}, gates, side_by_side(candidate))
    # Every tenth is wrong, beginning with the first; the first is a yes and so is each second.
    assert row(text, "no", "50", "0")
    assert row(text, "yes", "10", "40")


def test_chances_are_drawn_against_what_happened():
    random = np.random.default_rng(1)
    said = random.beta(1, 4, 500)
    labels = (random.random(500) < said).astype(float)
    names = np.asarray([f"{n:03}" for n in range(500)])
    candidate = HeldOutAnswers("probability", {"kind": "probability"}, names, labels, said, said**2)
    from tasks.gates.evidence import evidence_of

    evidence = evidence_of(candidate, None, {})
    gates = (GateSpec(metric="ece", at_most=0.5),)
    (svg,) = drawings(page({"ece": 0.01}, None, {}, gates, evidence))
    assert {"candidate", "baseline", "as said"} <= set(words(svg))

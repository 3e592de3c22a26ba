"""The gate's page: one row a metric, the champion and the baseline beside the candidate."""

import re

from tasks.gates.decide import decide
from tasks.gates.page import gate_page
from tasks.model_spec import GateSpec

GATES = (
    GateSpec(metric="mae", at_most=150000, no_worse_than_champion=0.05, no_worse_than_baseline=0.1),
    GateSpec(metric="abs_bias", at_most=0.1),
)
CANDIDATE = {"mae": 78412.345678, "abs_bias": 0.0123456, "r2": 0.871234, "rows": 2500.0}
CHAMPION = {"mae": 81234.56, "abs_bias": 0.0212, "r2": 0.8612}
BASELINE = {"mae": 84999.99, "abs_bias": 0.0043, "r2": 0.8512}


def page(candidate=CANDIDATE, champion=CHAMPION, baseline=BASELINE):
    verdict = decide("prices", GATES, candidate, champion, baseline)
    return gate_page("prices", verdict, candidate, champion, baseline)


def row(text, *cells):
    return next(
        line
        for line in text.splitlines()
        if [cell.strip() for cell in line.split("|")[1 : 1 + len(cells)]] == list(cells)
    )


def test_candidate_champion_and_baseline_stand_side_by_side():
    text = page()
    assert row(text, "mae", "78,412", "81,235", "85,000", "-3.5\u00a0%")
    assert row(text, "r2", "0.8712", "0.8612", "0.8512", "+1.2\u00a0%")
    assert row(text, "abs\\_bias", "1.23\u00a0%", "2.12\u00a0%", "0.43\u00a0%", "-41.8\u00a0%")
    assert "2,500 rows were learned from or held out." in text


def test_a_bound_is_told_in_the_unit_of_what_it_bounds():
    text = page()
    assert row(text, "✔", "mae", "78,412", "≤ 150,000", "a fixed bound")
    assert row(text, "✔", "abs\\_bias", "1.23\u00a0%", "≤ 10\u00a0%", "a fixed bound")
    assert not re.search(r"(?<![.\d])\d{4,}", text.replace(",", "x")), (
        "a number without its separators"
    )


def test_what_is_broken_is_named_first_and_its_figures_stand_in_the_table():
    text = page(candidate={**CANDIDATE, "mae": 1234567.891})
    assert text.startswith("# ✘ Gate of prices: fail\n\n3 of 4 checks did not pass: mae,")
    assert row(text, "✘", "mae", "1,234,568", "≤ 150,000", "a fixed bound")


def test_the_first_version_has_no_champions_column():
    text = page(champion=None)
    assert row(text, "metric", "candidate", "baseline")
    assert "Nothing serves yet" in text


def test_what_was_not_measured_is_a_dash_and_never_a_number():
    text = page(candidate={"abs_bias": 0.01}, baseline={})
    assert text.startswith("# ⚠ Gate of prices: error")
    assert row(text, "mae", "–", "81,235", "–", "–")

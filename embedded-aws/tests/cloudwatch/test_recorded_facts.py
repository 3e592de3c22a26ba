"""What the real CloudWatch was recorded to answer is what ours answers."""

from collections import Counter
from pathlib import Path

import pytest
from cloudwatch.facts.recorded import DIFFERENT, FACTS, table_of

PAGE = Path(__file__).parents[2] / "docs" / "cloudwatch.md"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.kind}: {fact.name}"[:80])
def test_a_recorded_fact(fact):
    difference = fact.difference()
    if (fact.kind, fact.name) in DIFFERENT:
        assert difference, "it matches now: it is to be told so"
    else:
        assert difference == "", f"{fact.source}: {difference}"


def test_each_fact_has_a_name_of_its_own_and_a_source():
    names = Counter((fact.kind, fact.name) for fact in FACTS)
    assert [name for name, count in names.items() if count > 1] == []
    assert set(DIFFERENT) <= set(names)
    assert all(fact.source for fact in FACTS)


def test_the_page_tells_the_share_and_what_differs():
    page = PAGE.read_text()
    assert table_of([(f, (f.kind, f.name) not in DIFFERENT) for f in FACTS]) in page
    for (kind, name), why in DIFFERENT.items():
        assert f"- {kind}, {name}: {why}." in page

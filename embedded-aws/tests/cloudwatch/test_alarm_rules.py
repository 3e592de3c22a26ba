"""Rules of composite alarms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.cloudwatch.alarms.rule import RuleError, parse_rule

STATES = {"a": "ALARM", "b": "OK", "c d": "INSUFFICIENT_DATA", "e(f)": "ALARM"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("TRUE", True),
        ("FALSE", False),
        ("NOT FALSE", True),
        ("ALARM(a)", True),
        ("ALARM( a )", True),
        ('ALARM("a")', True),
        ("OK(a)", False),
        ("OK(b) AND ALARM(a)", True),
        ("ALARM(b) OR ALARM(a)", True),
        ("NOT ALARM(b)", True),
        ("NOT (ALARM(a) AND OK(b))", False),
        ('INSUFFICIENT_DATA("c d")', True),
        ("INSUFFICIENT_DATA(c d)", True),
        ('ALARM("e(f)")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", True),
        # AND binds closer than OR.
        ("TRUE OR TRUE AND FALSE", True),
        ("(TRUE OR TRUE) AND FALSE", False),
        ("NOT FALSE AND FALSE", False),
        ("(ALARM(a) OR ALARM(b)) AND OK(b) AND NOT ALARM(b)", True),
        ("ALARM(gone)", False),
    ],
)
def test_a_rule(text, holds):
    assert parse_rule(text).holds(STATES.get) is holds


def test_children_are_told_once_and_in_order():
    rule = parse_rule('ALARM(b) OR OK("c d") OR NOT OK(b) AND ALARM(arn:aws:x:y:1:alarm:a)')
    assert rule.children == ("b", "c d", "a")


@pytest.mark.parametrize(
    "text",
    ["", "ALARM", "ALARM()", "ALARM(a", "AND", "ALARM(a) ALARM(b)", "(TRUE", "TRUE)", "alarm(a)",
     "NOT", "TRUE AND", "SOMETHING(a)", " OR ".join(["TRUE"] * 501),
     " OR ".join(f"ALARM(a{i})" for i in range(101))],
)  # fmt: skip
def test_a_broken_rule_is_refused(text):
    with pytest.raises(RuleError):
        parse_rule(text)


@st.composite
def rules(draw, depth=4):
    if depth == 0 or draw(st.booleans()):
        value = draw(st.booleans())
        return ("TRUE" if value else "FALSE"), value
    text, value = draw(rules(depth=depth - 1))
    other, other_value = draw(rules(depth=depth - 1))
    kind = draw(st.sampled_from(["NOT", "AND", "OR"]))
    if kind == "NOT":
        return f"NOT ({text})", not value
    combined = (value and other_value) if kind == "AND" else (value or other_value)
    return f"({text}) {kind} ({other})", combined


@given(rules())
def test_a_random_rule_is_pythons(rule):
    text, value = rule
    assert parse_rule(text).holds(lambda _: None) is value

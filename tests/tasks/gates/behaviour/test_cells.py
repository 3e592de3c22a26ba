"""Values and texts as a rule changes them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gates.behaviour.cells import changed, mistyped, negated
from tasks.specs.behaviour import CHANGES, BehaviourSpec


def rule(change, **more):
    return BehaviourSpec(change=change, column="c", expect="same", **more)


@pytest.mark.parametrize(
    ("text", "opposite"),
    [
        ("The food was good.", "The food was not good."),
        ("The food was not good.", "The food was good."),
        ("It isn't bad", "It is bad"),
        ("It wasn’t bad", "It was bad"),
        ("They won't come back", "They will come back"),
        ("Can't complain", "Can complain"),
        ("You cannot park there", "You can park there"),
        ("Is this the place? It is.", "Is not this the place? It is."),
        ("WOULD go again", "WOULD not go again"),
        # Nobody knows how to say the opposite of these by rule.
        ("I loved it", "I loved it"),
        ("This island is far", "This island is not far"),
        ("knots and notes", "knots and notes"),
        ("", ""),
    ],
)
def test_a_sentence_is_negated_at_its_first_auxiliary_or_not_at_all(text, opposite):
    assert negated(text) == opposite


@given(st.text(max_size=80), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_typo_keeps_all_letters_and_every_words_first(text, times, seed):
    typed = mistyped(text, times, seed)
    assert sorted(typed) == sorted(text)
    assert typed == mistyped(text, times, seed)
    assert typed.split() == text.split() or len(typed) == len(text)
    if text:
        assert typed[0] == text[0]


def test_short_words_bear_no_typo():
    assert mistyped("a b cd the", 3, 0) == "a b cd the"
    assert mistyped("wonderful", 1, 0) != "wonderful"


@pytest.mark.parametrize(
    ("asked", "value", "made"),
    [
        (rule("multiply", by=1.1), 100, 110),
        (rule("multiply", by=1.1), 100.0, pytest.approx(110)),
        (rule("multiply", by=0), 7, 0),
        (rule("add", by=-0.4), 3, 3),
        (rule("add", by=2), 3.5, 5.5),
        (rule("add", by=2), Decimal("3.5"), 5.5),
        (rule("add", by=2), None, None),
        (rule("set", to="flat"), "house", "flat"),
        (rule("set", to="flat"), None, "flat"),
        (rule("set", to=False), True, False),
        (rule("clear"), "house", None),
        (rule("upper_case"), "Straße", "STRASSE"),
        (rule("append", to="@someone"), "Fine.", "Fine. @someone"),
        (rule("negate"), None, None),
    ],
)
def test_a_value_is_changed_in_its_own_type(asked, value, made):
    result = changed(asked, value, 0)
    assert result == made
    assert isinstance(value, Decimal) or value is None or type(result) in {type(made), type(value)}


def test_every_change_of_a_column_can_be_made():
    for name, arguments in CHANGES.items():
        if arguments.of == "picture":
            continue
        more = {} if arguments.by is None else {"by": max(arguments.by[0], 1)}
        more |= {"to": "x"} if arguments.to else {}
        value = 2 if arguments.of == "number" else "this was wonderful"
        changed(rule(name, **more), value, 0)

"""Wildcards and variables stand for what AWS's documentation says they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.iam.patterns import arn_matches, equals, matches, variables

ENDPOINT = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e"
STREAM = "arn:aws:logs:us-east-1:1:log-group:/a:stream:b"
plain = st.text(st.characters(codec="ascii", exclude_characters="*?$:"), max_size=12)


@given(plain, plain, plain)
def test_a_star_is_whatever_stands_there_and_a_mark_is_one(before, within, after):
    assert matches(f"{before}*{after}", before + within + after)
    assert matches(f"{before}?{after}", f"{before}x{after}")
    assert matches(before + "?" * len(within) + after, before + within + after)
    assert not matches(f"{before}?{after}", before + after)


@given(plain)
def test_a_text_matches_itself_and_no_longer_one(text):
    assert matches(text, text)
    assert not matches(text, f"{text}x")


@pytest.mark.parametrize(
    ("pattern", "arn", "right"),
    [
        ("*", "arn:aws:s3:::lake/a", True),
        ("arn:aws:s3:::lake/*", "arn:aws:s3:::lake/a/b", True),
        ("arn:aws:s3:::lake*", "arn:aws:s3:::lake-of-others/a", True),
        ("arn:aws:s3:::lake/*", "arn:aws:s3:::lake", False),
        ("arn:aws:sagemaker:*:123456789012:endpoint/*", ENDPOINT, True),
        ("arn:aws:sagemaker:*:endpoint/*", ENDPOINT, False),
        ("arn:aws:logs:us-east-1:1:log-group:*", STREAM, True),
        ("arn:aws:logs:us-east-1:1:*", STREAM, True),
        ("arn:*", "arn:aws:s3:::lake", False),
        ("arn:aws:s3:::Lake/*", "arn:aws:s3:::lake/a", False),
    ],
)  # fmt: skip
def test_each_part_of_an_arn_is_compared_by_itself(pattern, arn, right):
    assert arn_matches(pattern, arn) is right


def test_a_variable_is_what_the_request_says_and_nothing_where_it_says_nothing():
    context = {"aws:username": ("ann",), "aws:tagkeys": ("a", "b"), "odd": ("*",)}
    assert arn_matches("arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/ann/x", context)
    assert not arn_matches(
        "arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/bob/x", context
    )
    assert not matches("${aws:userid}", "", context)
    assert not matches("${aws:TagKeys}", "a", context), "of several values none is chosen"
    assert matches("${aws:userid, 'nobody'}", "nobody", context)
    assert equals("${AWS:UserName}!", "ann!", context)
    assert matches("${odd}", "*", context)
    assert not matches("${odd}", "x", context), "a value's star is a star"
    assert matches("a${*}${?}${$}", "a*?$")
    assert not matches("a${*}", "ab")
    assert variables("x${aws:username}${*}${a, 'b'}") == {"aws:username", "a"}

"""Conditions, operator by operator."""

import pytest

from embedded_aws.iam.conditions import all_hold, operator

REQUEST = {
    "aws:sourceip": ("203.0.113.7",),
    "aws:username": ("Ann",),
    "aws:currenttime": ("2026-11-30T10:00:00Z",),
    "aws:securetransport": ("true",),
    "s3:max-keys": ("10",),
    "aws:sourcearn": ("arn:aws:s3:::lake",),
    "aws:tagkeys": ("model", "owner"),
}
KEYS = {key.lower(): key for key in ("aws:SourceIp", "aws:TagKeys")}


@pytest.mark.parametrize(
    ("name", "key", "wanted", "true"),
    [
        ("StringEquals", "aws:username", ["Bob", "Ann"], True),
        ("StringEquals", "aws:username", ["ann"], False),
        ("StringEqualsIgnoreCase", "aws:username", ["ann"], True),
        ("StringNotEquals", "aws:username", ["Bob"], True),
        ("StringNotEquals", "aws:username", ["Bob", "Ann"], False),
        ("StringNotEqualsIgnoreCase", "aws:username", ["ANN"], False),
        ("StringLike", "aws:username", ["A*"], True),
        ("StringNotLike", "aws:username", ["A*"], False),
        ("StringEquals", "aws:username", ["A*"], False),
        ("StringEquals", "aws:UserName", ["Ann"], True),
        ("NumericLessThan", "s3:max-keys", ["10"], False),
        ("NumericLessThanEquals", "s3:max-keys", ["10"], True),
        ("NumericEquals", "s3:max-keys", ["10.0"], True),
        ("NumericNotEquals", "s3:max-keys", ["10"], False),
        ("NumericGreaterThan", "s3:max-keys", ["9"], True),
        ("NumericGreaterThan", "s3:max-keys", ["many"], False),
        ("DateGreaterThan", "aws:CurrentTime", ["2026-11-30T09:59:59Z"], True),
        ("DateLessThan", "aws:CurrentTime", ["2026-11-30T11:00:00+02:00"], False),
        ("DateLessThan", "aws:CurrentTime", ["4102444800"], True),
        ("Bool", "aws:SecureTransport", ["true"], True),
        ("Bool", "aws:SecureTransport", ["false"], False),
        ("IpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"], True),
        ("NotIpAddress", "aws:SourceIp", ["203.0.113.0/24"], False),
        ("IpAddress", "aws:SourceIp", ["nowhere"], False),
        ("ArnLike", "aws:SourceArn", ["arn:aws:s3:::l*"], True),
        ("ArnEquals", "aws:SourceArn", ["arn:aws:s3:::l*"], True),
        ("ArnNotLike", "aws:SourceArn", ["arn:aws:s3:::lake"], False),
        ("Null", "aws:SourceArn", ["false"], True),
        ("Null", "aws:PrincipalArn", ["true"], True),
        ("Null", "aws:PrincipalArn", ["false"], False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["model", "owner", "x"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["model"], False),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["model"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["x"], False),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["x"], True),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["model"], True),
    ],
)
def test_an_operator_compares(name, key, wanted, true):
    assert all_hold({name: {key: wanted}}, REQUEST)[0] is true


@pytest.mark.parametrize(
    ("name", "true"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("ArnNotLike", True),
        ("NumericLessThan", False),
        ("BoolIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
    ],
)
def test_a_key_that_the_request_lacks(name, true):
    assert all_hold({name: {"aws:PrincipalTag/team": ["ads"]}}, REQUEST) == (
        true,
        {"aws:PrincipalTag/team"},
    )


def test_a_variable_is_compared_without_its_case_too():
    same = {"StringEqualsIgnoreCase": {"aws:username": ["${aws:username}"]}}
    assert all_hold(same, REQUEST)[0]


def test_all_conditions_must_hold():
    both = {"Bool": {"aws:SecureTransport": ["true"]}, "StringLike": {"aws:username": ["A*"]}}
    assert all_hold(both, REQUEST) == (True, frozenset())
    assert not all_hold({**both, "NumericEquals": {"s3:max-keys": ["1"]}}, REQUEST)[0]
    assert all_hold({}, {}) == (True, frozenset())


@pytest.mark.parametrize(
    "name", ["StringIs", "ForSomeValues:StringEquals", "NullIfExists", "ForAllValues:", ""]
)
def test_what_is_no_operator_is_none(name):
    assert operator(name) is None

"""One client is one voice, however often it speaks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from tasks.release.edge.limits import Admission, Limits, Rate, TokenBuckets
from tasks.release.edge.tokens import AUDIENCE, subject_of

KEY, OTHER = b"k" * 32, b"o" * 32


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), max_size=40),
    st.integers(1, 30),
    st.integers(1, 120),
)
def test_nobody_is_given_more_than_the_burst_and_what_grew_since(
    asked: list[tuple[float, int]], burst: int, a_minute: int
) -> None:
    buckets, now, given_out = TokenBuckets(Rate(burst, a_minute)), 0.0, 0
    for passed, wanted in asked:
        now += passed
        told = buckets.take("a", now, wanted)
        assert 0 <= told <= wanted
        given_out += told
        assert given_out <= burst + now * a_minute / 60.0 + 1e-6


def test_clients_do_not_take_from_each_other() -> None:
    buckets = TokenBuckets(Rate(burst=2, a_minute=60))
    assert [buckets.take("a", 0.0) for _ in range(3)] == [1, 1, 0]
    assert buckets.take("b", 0.0) == 1
    assert buckets.take("a", 1.0) == 1


def test_who_was_silent_for_longest_is_forgotten_first() -> None:
    buckets = TokenBuckets(Rate(burst=1, a_minute=1), most=2)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 0.0)
    assert buckets.take("a", 0.0) == 0, "it spoke after b"
    assert buckets.take("b", 0.0) == 1, "it was forgotten"


def test_a_client_counts_as_one_crowd_on_each_model() -> None:
    admission = Admission(Limits(observations=Rate(burst=20, a_minute=1)))
    assert admission.observations("a", "m", 15, 0.0) == 15
    assert admission.observations("a", "m", 15, 0.0) == 5
    assert admission.observations("a", "n", 15, 0.0) == 15
    assert admission.observations("a", "m", 15, 120.0) == 2


def token(key: bytes = KEY, **changes: object) -> str:
    claims = {"aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "u-1", **changes}
    told = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "HS256"}, told, OctKey.import_key(key))


def test_a_token_says_who_posts() -> None:
    assert subject_of(token(), (KEY,)) == "u-1"
    assert subject_of(token(), (OTHER, KEY)) == "u-1", "a key was changed meanwhile"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "a.b.c",
        "..",
        "x" * 2_000,
        token(OTHER),
        token(exp=int(time.time()) - 3_600),
        token(exp=None),
        token(sub=None),
        token(aud="other"),
        token(aud=None),
        # Signed by nobody: {"alg": "none"}.
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEifQ.",
        token()[:-4] + "AAAA",
    ],
)
def test_what_nobody_signed_or_has_run_out_says_nothing(bad: str) -> None:
    assert subject_of(bad, (KEY,)) is None

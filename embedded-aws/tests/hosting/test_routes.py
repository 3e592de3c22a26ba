from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.hosting.fleet.routes import Lane, Routes

weights = st.dictionaries(
    st.sampled_from("abcdef"), st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0]), min_size=1
)


def lane(share, by_name, tag=""):
    return Lane(share, {name: (weight, name + tag) for name, weight in by_name.items()})


@given(weights, weights, st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(0, 2**32))
def test_shares_are_lane_times_weight(blue, green, share, seed):
    rng = random.Random(seed)
    lanes = [lane(1 - share, blue, "-blue"), lane(share, green, "-green")]
    routes = Routes(lanes, rng.random)
    expected = {
        name + tag: part * weight / sum(by.values())
        for part, by, tag in ((1 - share, blue, "-blue"), (share, green, "-green"))
        for name, weight in by.items()
        if part * weight > 0
    }
    times = 300
    seen = Counter(routes.pick() for _ in range(times))
    if not expected:
        assert set(seen) == {None}
        return
    total = sum(expected.values())
    assert set(seen) <= set(expected)
    for name, part in expected.items():
        p = part / total
        # Six standard deviations and a continuity correction: never by chance.
        assert abs(seen[name] - times * p) <= 6 * (times * p * (1 - p)) ** 0.5 + 1


@given(weights, st.floats(0, 1, exclude_max=True))
def test_every_variant_can_be_named_whatever_its_weight(by_name, drawn):
    routes = Routes([lane(1.0, by_name)], lambda: drawn)
    assert all(routes.named(name) == name for name in by_name)
    assert routes.named("nobody") is None


def test_named_variant_follows_the_shift_where_both_fleets_have_it():
    lanes = [lane(0.75, {"a": 1.0}, "-blue"), lane(0.25, {"a": 1.0}, "-green")]
    assert Routes(lanes, lambda: 0.74).named("a") == "a-blue"
    assert Routes(lanes, lambda: 0.76).named("a") == "a-green"
    only_green = Routes([lane(0.0, {"a": 1.0}, "-blue"), lane(1.0, {"a": 1.0}, "-green")])
    assert {only_green.named("a") for _ in range(50)} == {"a-green"}


def test_last_edge_is_not_lost_to_rounding():
    routes = Routes([lane(1.0, {"a": 0.1, "b": 0.2, "c": 0.7})], lambda: 1.0 - 2**-53)
    assert routes.pick() == "c"

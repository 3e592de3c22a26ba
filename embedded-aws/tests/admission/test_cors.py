"""CORS rules, as S3 evaluates them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.admission.cors import CorsRule, granted, matches

SHOP = CorsRule(("https://shop.example",), ("GET", "PUT"), ("content-type",), ("etag",), "60")
ALL = CorsRule(("*",), ("GET",))
BELOW = CorsRule(("https://*.shop.example",), ("GET",), ("x-amz-*",))


@pytest.mark.parametrize(
    ("rules", "origin", "method", "headers", "allowed"),
    [
        ([], "https://shop.example", "GET", [], None),
        ([SHOP], "https://shop.example", "GET", [], "https://shop.example"),
        ([SHOP], "https://shop.example", "PUT", ["Content-Type"], "https://shop.example"),
        ([SHOP], "https://shop.example", "PUT", ["authorization"], None),
        ([SHOP], "https://shop.example", "DELETE", [], None),
        ([SHOP], "http://shop.example", "GET", [], None),
        ([SHOP], "null", "GET", [], None),
        ([SHOP, ALL], "https://other.example", "GET", [], "*"),
        ([ALL], "null", "GET", [], "*"),
        ([ALL], "https://other.example", "GET", ["authorization"], None),
        ([BELOW], "https://a.shop.example", "GET", ["X-Amz-Date"], "https://a.shop.example"),
        ([BELOW], "https://shop.example", "GET", [], None),
        ([BELOW], "https://a.shop.example.evil", "GET", [], None),
    ],
)
def test_the_first_rule_that_has_everything_counts(rules, origin, method, headers, allowed):
    told = granted(rules, origin, method, headers)
    assert told.get("access-control-allow-origin") == allowed
    assert bool(told) == (allowed is not None)


def test_what_a_rule_tells():
    assert granted([SHOP], "https://shop.example", "PUT", ["content-type"]) == {
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "content-type",
        "access-control-expose-headers": "etag",
        "access-control-max-age": "60",
        "access-control-allow-credentials": "true",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }


@given(st.text(), st.text(), st.text())
def test_a_star_stands_for_anything_and_the_rest_for_itself(before, between, after):
    text = before + between + after
    assert matches(f"{before}*{after}".replace("**", "*"), text) or "*" in before + after
    assert matches(text, text)
    assert matches("*", text)
    assert not matches(text.replace("*", "x"), text.replace("*", "x") + "!")

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.specs.release import ReleaseSpec


def test_a_model_is_delivered_by_its_endpoint_unless_it_says_otherwise() -> None:
    assert ReleaseSpec().delivery == "endpoint"
    assert ReleaseSpec(delivery="edge").ladder == ReleaseSpec().ladder


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ladder": (0.005, 0.9)}, "whole percentages"),
        ({"strategy": "blue_green"}, "blue_green"),
        ({"shadow_seconds": 60}, "shadow_seconds"),
        ({"window_seconds": 30}, "whole minutes"),
    ],
)
def test_what_an_edge_release_cannot_do_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ReleaseSpec.model_validate({"delivery": "edge", **wrong})
    if "ladder" not in wrong:
        ReleaseSpec.model_validate(wrong)

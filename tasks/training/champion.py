"""Whether a champion can be measured beside a candidate. Pure."""

from __future__ import annotations

from models.runtime.own import BUNDLE
from tasks.errors import InvalidModelSpec
from tasks.model_spec import ModelSpec
from tasks.values import Manifest

FIRST_EDITION = frozenset({"preprocess.json", "model_card.json"})
"""What an older bundle carries whose own evaluate.py measures it."""


def measures_itself(champion: Manifest) -> bool:
    """Whether the champion's bundle has an entry point that measures it."""
    paths = {file.path for file in champion.files}
    return BUNDLE in paths or paths >= FIRST_EDITION


def require_comparable(spec: ModelSpec, champion: Manifest | None) -> None:
    """No gate may compare with a champion that nothing measures; said before anything is paid for.

    Raises:
        InvalidModelSpec: one does.
    """
    if champion is None or measures_itself(champion):
        return
    bounded = [g.metric for g in spec.gates if g.no_worse_than_champion is not None or g.slices]
    if bounded:
        raise InvalidModelSpec(
            f"{spec.name}: champion {champion.version} was made by an own program and carries "
            f"nothing that measures it; the gate on {', '.join(bounded)} compares with it.",
            "Take no_worse_than_champion and slices away for one release: the next one measures "
            "itself.",
        )

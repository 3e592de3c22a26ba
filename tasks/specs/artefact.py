"""What the files of a candidate may hold, of ``model.yaml``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.strict import Strict


class ArtefactSpec(Strict):
    """Limits of a candidate's own archive, looked at before anything in it is run."""

    pickles: Literal["refuse", "allow"] | None = Field(
        default=None,
        description="Whether it may hold pickles, which run what they say when they are read. By "
        "default only backend custom may, whose own code runs anyway.",
    )
    max_bytes: int = Field(
        default=5 * 1024**3, ge=1, description="Largest sum of its files, unpacked."
    )

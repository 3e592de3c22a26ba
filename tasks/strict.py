"""The base of every part of model.yaml: an unknown key, or no number, is refused. Pure."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of model.yaml."""

    # A budget of .nan, or a bound of .inf, would hold nothing back.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

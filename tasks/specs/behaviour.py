"""The behaviour of ``model.yaml``: what a change of its input may do to an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tasks.strict import Strict

Change = Literal[
    "multiply",
    "add",
    "set",
    "clear",
    "negate",
    "typo",
    "upper_case",
    "append",
    "brightness",
    "contrast",
    "blur",
    "jpeg",
    "rotate",
    "mirror",
]
Expectation = Literal["same", "other", "not_lower", "not_higher"]
Subject = Literal["number", "cell", "text", "picture"]


@dataclass(frozen=True)
class Arguments:
    """What a change is made to, and what it has to be told.

    Args:
        of: ``number``, ``text`` or any ``cell`` of a column, or the ``picture``.
        by: Least and most of ``by``; None where it is not asked for.
        to: Whether ``to`` is asked for.
        says: What becomes of a row, for the documentation.
        moves: Whether what a picture shows is elsewhere after it.
    """

    of: Subject
    says: str
    by: tuple[float, float] | None = None
    to: bool = False
    moves: bool = False


CHANGES: Mapping[Change, Arguments] = {
    "multiply": Arguments("number", "the number times `by`", by=(0, 1e6)),
    "add": Arguments("number", "the number and `by`", by=(-1e12, 1e12)),
    "set": Arguments("cell", "the value `to` instead", to=True),
    "clear": Arguments("cell", "no value; the contract must allow that"),
    "negate": Arguments(
        "text", "`not` after the first English auxiliary (is, was, will, can …), or without it"
    ),
    "typo": Arguments("text", "`by` pairs of neighbouring letters swapped inside words", (1, 20)),
    "upper_case": Arguments("text", "all in capitals"),
    "append": Arguments("text", "`to` at its end", to=True),
    "brightness": Arguments("picture", "light times `by`", (0.05, 10)),
    "contrast": Arguments("picture", "contrast times `by`", (0.05, 10)),
    "blur": Arguments("picture", "Gaussian blur, radius `by` thousandths of its longer side",
                      (0.1, 100)),
    "jpeg": Arguments("picture", "compressed as JPEG at quality `by`", (1, 95)),
    "rotate": Arguments("picture", "turned by `by` degrees, corners cut off", (-45, 45),
                        moves=True),
    "mirror": Arguments("picture", "left and right exchanged", moves=True),
}  # fmt: skip


class BehaviourSpec(Strict):
    """How answers must behave when rows are changed: what a share of right answers cannot show.

    The candidate answers held-out rows as they are and changed, and the share of rows that behave
    as expected must reach a bound.
    """

    change: Change = Field(description="What is done to each row (see Changes below).")
    column: str = Field(
        default="", description="Column that is changed; pictures have none to be named."
    )
    by: float | None = Field(default=None, description="How much; each change says in what.")
    to: float | bool | str | None = Field(default=None, description="Value, or text, of a change.")
    expect: Expectation = Field(
        description="same or other: the class, the labels, or the number within `within`; "
        "not_lower or not_higher: the number, or the chance of `of`."
    )
    of: str = Field(default="", description="Class or label whose chance may not fall or rise.")
    within: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="How far a number may move and count as unmoved: a share of it, or points of a "
        "chance.",
    )
    at_least: float = Field(
        default=0.95, gt=0, le=1, description="Lowest share of rows that behave so."
    )
    rows: int = Field(
        default=200, ge=20, le=5_000, description="Held-out rows that are tried, at most."
    )
    confidence: float | None = Field(
        default=None,
        gt=0.5,
        le=0.999,
        description="Of the share's interval, which then decides; without it the share itself.",
    )

    @field_validator("to", mode="before")
    @classmethod
    def _as_written(cls, to: Any) -> Any:
        """YAML makes a date of a day that nobody quoted."""
        return to.isoformat() if isinstance(to, date) else to

    @property
    def arguments(self) -> Arguments:
        """What its change asks for."""
        return CHANGES[self.change]

    @property
    def title(self) -> str:
        """What is expected, in a few words: ``sqft_living multiply 1.1: not lower``."""
        given = [self.column, self.change.replace("_", " ")]
        given += [f"{self.by:g}"] if self.by is not None else []
        given += [repr(self.to)] if self.to is not None else []
        part = f" {self.of}" if self.of else ""
        return f"{' '.join(filter(None, given))}: {self.expect.replace('_', ' ')}{part}"

    @model_validator(mode="after")
    def _told(self) -> BehaviourSpec:
        takes, change = self.arguments, self.change
        if (takes.of == "picture") == bool(self.column):
            what = "a picture has no column" if self.column else "say the column"
            raise ValueError(f"change {change}: {what}")
        if takes.by is None and self.by is not None:
            raise ValueError(f"change {change} takes no by")
        if takes.by is not None:
            least, most = takes.by
            if self.by is None or not least <= self.by <= most:
                raise ValueError(f"change {change}: by is {self.by}; say {least:g} to {most:g}")
        if takes.to != (self.to is not None):
            raise ValueError(f"change {change} {'asks for' if takes.to else 'takes no'} to")
        if takes.of == "text" and self.to is not None and not isinstance(self.to, str):
            raise ValueError(f"change {change}: to is {self.to!r}, no text")
        if self.of and self.expect in {"same", "other"}:
            raise ValueError(f"expect {self.expect} is about the whole answer; leave `of` out")
        return self

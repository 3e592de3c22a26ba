"""The data of ``model.yaml``: which rows a model learns from, and which are held out."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, model_validator

from tasks.strict import Strict


class DataSpec(Strict):
    """Which data the model learns from."""

    dataset: str = Field(
        min_length=1, description="Data set in the lake; its contract bears the same name."
    )
    label: str = Field(
        min_length=1,
        description="Column of the contract that the model predicts. An own program gets it as "
        "SLUICE_LABEL.",
    )
    features: Mapping[str, str] = Field(
        default_factory=dict,
        description="How a column becomes a feature, where its type should not decide: number, "
        "log, category, text, date, flag, or drop. Of pairs its role: user, time, event, weight, "
        "user_attribute, item_attribute, or drop.",
    )
    split_by: str = Field(
        default="",
        description="Rows with one value of this column (a user, a house, a group of duplicates) "
        "are never on both sides of the split.",
    )
    label_delay_days: int = Field(
        default=0,
        ge=0,
        description="Days until a label has surely come. Younger rows are neither learned from nor "
        "measured on, labelled or not: those whose label came early are unlike the others.",
    )
    window_days: int = Field(
        default=0, ge=0, description="Days of data to train on; 0 takes all there is."
    )
    holdout_days: int = Field(
        default=0,
        ge=0,
        description="The newest days are held out for the gate; 0 holds out a stable hash share.",
    )
    holdout_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share held out when holdout_days is 0."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> DataSpec:
        used = self.holdout_days + self.label_delay_days
        if self.window_days and used >= self.window_days:
            wait = f" and label_delay_days ({self.label_delay_days})" * bool(self.label_delay_days)
            raise ValueError(
                f"holdout_days ({self.holdout_days}){wait} of window_days ({self.window_days}) "
                "leaves no day to learn from"
            )
        return self

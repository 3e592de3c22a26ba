"""``data_gates:`` of ``model.yaml``: what the rows are held to before a training is paid for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from tasks.strict import Strict


def _word(said: Any) -> Any:
    """YAML reads a bare ``off`` as false."""
    return "off" if said is False else said


RowSeverity = Annotated[Literal["fail", "warn", "off"], BeforeValidator(_word)]
"""What becomes of a run whose rows do not keep a bound: it ends Rejected, goes on and says so on
its page and in its log, or nothing is looked at."""


class LeakingColumnSpec(Strict):
    """No single column may tell the label by itself."""

    at_least: float | None = Field(
        default=None,
        gt=0.5,
        le=1,
        description="From here on a column tells too much: the area under the ROC curve of a yes "
        "or no (default 0.995), the share of what the largest class leaves wrong that it gets "
        "right of several classes (0.99), R² of the ranks of a number (0.99).",
    )
    severity: RowSeverity = "fail"


class DuplicatesSpec(Strict):
    """Held-out rows of which a copy was learned from: all features and the label are equal."""

    at_most: float = Field(
        default=0.05, ge=0, lt=1, description="Largest share of the held-out rows."
    )
    severity: RowSeverity = "fail"


class SameKeySpec(Strict):
    """Held-out rows whose key, as the contract has it, is on the training side too."""

    at_most: float = Field(
        default=0.05, ge=0, lt=1, description="Largest share of the held-out rows."
    )
    severity: RowSeverity = "fail"


class ClassRowsSpec(Strict):
    """Rows that each class, or each yes and each no, has on each side."""

    training: int = Field(default=10, ge=1, description="Fewest rows to learn from.")
    holdout: int = Field(default=2, ge=1, description="Fewest rows that are held out.")
    severity: RowSeverity = "warn"


class ContradictionsSpec(Strict):
    """Rows of equal features and another label than most of these."""

    at_most: float = Field(default=0.05, ge=0, lt=1, description="Largest share of all rows.")
    severity: RowSeverity = "warn"


class LabelNoiseSpec(Strict):
    """Labels that are wrong, as cross-validated predictions estimate it."""

    at_most: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="Largest share of wrong labels; it is broken once the whole interval is.",
    )
    severity: RowSeverity = "warn"


class AllowedColumnSpec(Strict):
    """A column that may tell the label, or be different in each row, and why."""

    column: str = Field(min_length=1, description="Column of the contract that is a feature.")
    reason: str = Field(min_length=10, description="Why it is known before the label is.")


class DataGatesSpec(Strict):
    """What the rows are held to before a training is paid for.

    ``fail`` ends the run as Rejected, ``warn`` says so and goes on, ``off`` does not look.
    """

    leaking_column: LeakingColumnSpec = LeakingColumnSpec()
    identifiers: RowSeverity = Field(
        default="warn",
        description="Features that differ in nearly every row: ids and counters.",
    )
    duplicates: DuplicatesSpec = DuplicatesSpec()
    same_key: SameKeySpec = SameKeySpec()
    time_order: RowSeverity = Field(
        default="fail",
        description="With holdout_days: rows to learn from that are as new as held-out ones.",
    )
    future_dates: RowSeverity = Field(
        default="warn",
        description="With holdout_days: features that are dates, and name days of the held-out "
        "time in rows to learn from.",
    )
    labels: RowSeverity = Field(
        default="fail",
        description="Labels that nothing can be learned from or measured on: one value alone, or a "
        "class that only held-out rows have.",
    )
    class_rows: ClassRowsSpec = ClassRowsSpec()
    contradictions: ContradictionsSpec = ContradictionsSpec()
    label_noise: LabelNoiseSpec = LabelNoiseSpec()
    allow: tuple[AllowedColumnSpec, ...] = Field(
        default=(), description="Columns that leaking_column and identifiers let pass."
    )

    @model_validator(mode="after")
    def _once(self) -> DataGatesSpec:
        names = [one.column for one in self.allow]
        if len(set(names)) < len(names):
            raise ValueError(f"allow: a column is named twice in {', '.join(names)}")
        return self

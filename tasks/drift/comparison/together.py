"""What rows show that no single column does. Pure."""

from __future__ import annotations

from tasks.values import Check, Frozen, Outcome, Verdict


class Driver(Frozen):
    """A column, and how much of the classifier's AUC is lost without its order."""

    column: str
    auc_lost: float


class Multivariate(Frozen):
    """Whether rows can be told apart.

    Attributes:
        auc: Area under the ROC curve on rows that the classifier did not see; 0.5 is chance.
        p: Its p-value: both halves' Mann-Whitney tests, doubled.
        mmd_p: P-value of the kernel test over numeric columns; None without any.
        drivers: Columns that the difference rests on, strongest first.
    """

    outcome: Outcome
    alpha: float
    auc: float
    p: float
    mmd_p: float | None
    drivers: tuple[Driver, ...]

    @property
    def led(self) -> str:
        """The strongest columns, with what the AUC loses without them."""
        return ", ".join(f"{item.column} ({item.auc_lost:+.3f})" for item in self.drivers[:3])

    def to_verdict(self) -> Verdict:
        """The verdict through which the stages meet."""
        kernel = "" if self.mmd_p is None else f", kernel p = {self.mmd_p:.2g}"
        check = Check(
            name="all columns together",
            outcome=self.outcome,
            observed=f"AUC {self.auc:.3f}, p = {self.p:.2g}{kernel}",
            bound=f"p ≥ {self.alpha / 2:.2g} each",
            detail=f"driven by {self.led}" if self.outcome == "fail" else "",
        )
        return Verdict.of("multivariate drift", (check,))

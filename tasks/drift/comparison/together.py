"""What rows show that no single column does. Pure."""

from __future__ import annotations

from tasks.values import Frozen, Outcome


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

"""What is tried next, and what is given up, by the strategy of a tuning job. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from embedded_aws.tuning import bayesian, early_stopping, sampling
from embedded_aws.tuning.bayesian import Observation
from embedded_aws.tuning.hyperband import Hyperband
from embedded_aws.tuning.ranges import Space
from embedded_aws.tuning.trial import Trial


@dataclass(frozen=True)
class Strategy:
    """How a tuning job searches.

    Args:
        name: ``Strategy``.
        space: Ranges of the hyperparameters.
        sign: Turns objectives into losses.
        seed: What all its random numbers come from.
        hyperband: Its configuration, when it is that.
        median: Whether training jobs are stopped early by the median rule.
        inherited: Results of other tuning jobs (warm start).
    """

    name: str
    space: Space
    sign: float
    seed: int
    hyperband: Hyperband | None = None
    median: bool = False
    inherited: tuple[Observation, ...] = ()

    def proposal(self, number: int, trials: Sequence[Trial]) -> dict[str, str]:
        """The combination with a number; the same for the same results so far."""
        if self.name == "Grid":
            return sampling.combination(self.space, number)
        rng = Random(f"{self.seed}/{number}")
        if self.name == "Bayesian":
            own = [
                Observation(trial.values, self.sign * trial.final)
                for trial in sorted(trials, key=lambda trial: (trial.ended or 0.0, trial.number))
                if trial.final is not None
            ]
            under_way = [trial.values for trial in trials if not trial.over]
            return bayesian.proposal(self.space, [*self.inherited, *own], under_way, rng)
        return sampling.by_chance(self.space, rng, [trial.values for trial in trials])

    def hopeless(self, trial: Trial, trials: Sequence[Trial]) -> bool:
        """Whether a training job, which has just told its objective, is to be stopped."""
        others = [one for one in trials if one is not trial and not one.lost]
        losses = trial.losses(self.sign)
        if self.hyperband is not None:
            # Not made before it is asked for: most values are those of no rung.
            told = ((one.number, one.losses(self.sign)) for one in others)
            return self.hyperband.hopeless(trial.number, losses, told)
        if not self.median:
            return False
        before = [one.losses(self.sign) for one in others if one.final is not None]
        return early_stopping.hopeless(losses, before)

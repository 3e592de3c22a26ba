"""How much of a judge's evidence one client may be. Pure.

A client tells one observation a version and a rollout, and posts every half minute. Whoever posts
more is cut down to a crowd of its size, so that one machine moves no judge; whoever goes on is told
to wait. Clients are told apart by the subject of their token, or, where no tokens are asked for, by
their address, behind which an office may stand.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many a minute from then on."""

    burst: float
    a_minute: float


@dataclass
class TokenBuckets:
    """What each of many may still take; who has been silent for longest is forgotten first.

    To be forgotten is to begin anew, so that ``most`` strangers with made-up names buy nothing but
    what each of them could have taken anyway.
    """

    rate: Rate
    most: int = 100_000
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, name: str, now: float, wanted: int = 1) -> int:
        """How many of so many a name is given now; ``now`` in seconds of a clock that only goes."""
        left, since = self._left.pop(name, (self.rate.burst, now))
        left = min(self.rate.burst, left + (now - since) * self.rate.a_minute / 60.0)
        given = min(wanted, int(left))
        self._left[name] = (left - given, now)
        while len(self._left) > self.most:
            self._left.popitem(last=False)
        return given


@dataclass(frozen=True)
class Limits:
    """What one client, and all clients of one model, may post.

    Args:
        batches: Of one client.
        observations: Of one client on one model.
        model: Batches of one model, from everybody.
    """

    batches: Rate = Rate(burst=60, a_minute=60)
    observations: Rate = Rate(burst=20, a_minute=1)
    model: Rate = Rate(burst=2_000, a_minute=12_000)


@dataclass
class Admission:
    """Who may post now."""

    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._batches = TokenBuckets(self.limits.batches)
        self._observations = TokenBuckets(self.limits.observations)
        self._models = TokenBuckets(self.limits.model, most=1_000)

    def batch(self, client: str, now: float) -> bool:
        """Whether a client may post another batch."""
        return self._batches.take(client, now) == 1

    def model(self, model: str, now: float) -> bool:
        """Whether a model takes another batch."""
        return self._models.take(model, now) == 1

    def observations(self, client: str, model: str, wanted: int, now: float) -> int:
        """How many of a client's observations of a model count."""
        return self._observations.take(f"{client} {model}", now, wanted)

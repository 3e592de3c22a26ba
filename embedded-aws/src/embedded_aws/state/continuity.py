"""Virtual time goes on where it was: it never runs backwards over the end of a process.

While the embedded AWS runs, it notes every few seconds a time that it will not have passed before
the next note; a gentle end notes the exact one. Time stands still while nothing runs, unless it
would fall behind the real one.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from embedded_aws.clock import Clock
from embedded_aws.state.store import StateError, Store

NOTE_SECONDS = 5.0
# A note that comes late, on a busy machine, must still come in time.
AHEAD_SECONDS = 20.0
SLACK = 0.001
FACT, REGION = "clock", "region"


@dataclass(frozen=True)
class Moment:
    """What an earlier process left behind.

    Args:
        scale: Its virtual seconds per real second.
        epoch: Unix time at which its virtual and real time agreed.
        latest: Virtual unix time that it cannot have passed.
    """

    scale: float
    epoch: float
    latest: float


def epoch_of(
    before: Moment | None, scale: float, epoch: float | None, real: float, folder: str
) -> float:
    """The epoch with which time goes on. Pure.

    Args:
        before: What the last process left, None in a new folder.
        scale: Wanted virtual seconds per real second.
        epoch: Wanted epoch; None leaves it to us.
        real: Unix time.
        folder: For the message.

    Raises:
        StateError: time would run backwards.
    """
    if before is None:
        return real if epoch is None else epoch
    time_before = before.epoch + (real - before.epoch) * before.scale
    last = min(before.latest, time_before)
    if epoch is not None:
        if epoch + (real - epoch) * scale < last - SLACK:
            raise _backwards(folder, last - (epoch + (real - epoch) * scale), before.scale)
        return epoch
    if scale == 1.0:
        if last > real + SLACK:
            raise _backwards(folder, last - real, before.scale)
        return real
    start = max(last, real) if scale > 1.0 else last
    return (start - real * scale) / (1.0 - scale)


def check_region(store: Store, region: str) -> None:
    """Hold a folder to its region; what it holds bears that in its addresses.

    Raises:
        StateError: it is of another one.
    """
    before = store.fact(REGION)
    if before not in {None, region}:
        raise StateError(
            f"{store.folder} is of {before}, and {region} was asked for: what it holds would have "
            f"addresses of both. Nothing was changed. Next: go on with --region {before}, or give "
            "another --state-dir."
        )


def left_behind(store: Store) -> Moment | None:
    """What the last process with this folder noted."""
    text = store.fact(FACT)
    return None if text is None else Moment(**json.loads(text))


def note(store: Store, clock: Clock, ahead: float = AHEAD_SECONDS) -> None:
    """Note a time that will not be passed for so many real seconds."""
    latest = clock.epoch + (time.time() + ahead - clock.epoch) * clock.scale
    moment = {"scale": clock.scale, "epoch": clock.epoch, "latest": latest}
    store.note(FACT, json.dumps(moment))


def _backwards(folder: str, seconds: float, scale: float) -> StateError:
    days, rest = divmod(int(seconds), 86_400)
    ahead = f"{days} days and {rest // 3600} hours" if days else f"{rest // 60} minutes"
    return StateError(
        f"Time in {folder} is {ahead} ahead of the one that is asked for (it ran at {scale:g}x), "
        f"and must not run backwards. Nothing was changed. Next: go on at a time scale of "
        f"{scale:g} (--time-scale {scale:g}), or remove the folder and what it holds."
    )

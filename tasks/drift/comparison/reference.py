"""Which reference partitions a partition is compared with: all, the same weekday, or a year ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from tasks.drift.policy import Season
from tasks.drift.profiles.profile import Profile
from tasks.errors import ConfigurationError

YEAR = timedelta(days=364)  # 52 weeks: the weekday stays the same
YEAR_SPAN = timedelta(days=35)


def in_season(
    reference: Sequence[Profile], run: Sequence[Profile], season: Season
) -> tuple[tuple[Profile, ...], tuple[Profile, ...]]:
    """Reference partitions, and partitions of the run, that compare with the run's newest.

    ``weekday`` keeps partitions of the newest one's weekday on both sides. ``year`` keeps reference
    partitions that lie within five weeks of the same week a year (or some years) earlier.

    Raises:
        ConfigurationError: a season is asked for and a partition's name is no day.
    """
    if season == "none" or not run:
        return tuple(reference), tuple(run)
    newest = day_of(run[-1])
    if season == "weekday":
        return (
            tuple(part for part in reference if day_of(part).weekday() == newest.weekday()),
            tuple(part for part in run if day_of(part).weekday() == newest.weekday()),
        )
    return tuple(part for part in reference if _years_earlier(day_of(part), newest)), tuple(run)


def day_of(profile: Profile) -> date:
    """First day of a partition, which its name begins with (YYYY-MM-DD).

    Raises:
        ConfigurationError: its name does not.
    """
    name = profile.partitions[0] if profile.partitions else ""
    try:
        return date.fromisoformat(name[:10])
    except ValueError as error:
        raise ConfigurationError(
            f"Partition {name!r} does not begin with a day, so it has no season.",
            "Name partitions by their first day (YYYY-MM-DD), or set season to none.",
        ) from error


def _years_earlier(day: date, newest: date) -> bool:
    years = round((newest - day) / YEAR)
    return years >= 1 and abs(newest - day - years * YEAR) <= YEAR_SPAN

"""Days into periods: which profiles a check compares with which. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Literal

from pydantic import Field, ValidationError

from tasks.drift.policy import DriftPolicy, Season
from tasks.drift.profiles.profile import Profile, merged
from tasks.drift.quality.concept import ConceptPolicy
from tasks.errors import InvalidContract, UnreadableData
from tasks.faults import faults_of
from tasks.values import Frozen

DAYS = {"day": 1, "week": 7}
NOTIFY_STEP = "People are told; nothing is retrained, as the contract's driftPolicy has it."


class Watching(Frozen):
    """A contract's drift policy, as it stands in the file's ``driftPolicy``."""

    falseAlarmsOnceIn: int = Field(default=104, ge=1)  # noqa: N815  ODCS's own style of naming
    referencePartitions: int = Field(default=8, ge=4)  # noqa: N815
    partition: Literal["day", "week"] = "week"
    notifyOnly: bool = False  # noqa: N815
    cooldownDays: float = Field(default=7.0, ge=0)  # noqa: N815
    alarmsPerWeek: int = Field(default=3, ge=1)  # noqa: N815
    unconfirmedDrift: Literal["retrain", "notify"] = "retrain"  # noqa: N815
    leastPsi: float = Field(default=0.0, ge=0)  # noqa: N815
    leastRows: int = Field(default=100, ge=20)  # noqa: N815
    season: Season = "none"
    ignore: frozenset[str] = frozenset()
    rowsTogether: bool = False  # noqa: N815
    errorAlarm: float = Field(default=0.01, gt=0, lt=1)  # noqa: N815
    errorTolerance: float = Field(default=0.0, ge=0)  # noqa: N815

    @classmethod
    def of(cls, dataset: str, policy: Mapping[str, Any]) -> Watching:
        """Parse a contract's drift policy.

        Raises:
            InvalidContract: it does not parse; every fault is named.
        """
        try:
            return cls.model_validate(dict(policy))
        except ValidationError as error:
            faults = "; ".join(faults_of(error, cls, "driftPolicy"))
            raise InvalidContract(
                f"The contract of {dataset} has a driftPolicy that does not parse: {faults}.",
                "Correct these keys; docs/contracts.md lists them.",
            ) from error

    @property
    def policy(self) -> DriftPolicy:
        """What the check promises and how it looks."""
        chosen = DriftPolicy(
            checks_per_false_alarm=self.falseAlarmsOnceIn,
            enough=self.referencePartitions,
            least_psi=self.leastPsi,
            least_rows=self.leastRows,
            season=self.season,
            ignore=self.ignore,
        )
        return chosen.model_copy(update={"next_step": NOTIFY_STEP}) if self.notifyOnly else chosen

    @property
    def days(self) -> int:
        """Days of a period."""
        return DAYS[self.partition]

    @property
    def concept(self) -> ConceptPolicy:
        """What the monitors of the champion's error and bias promise together."""
        return ConceptPolicy(alpha=self.errorAlarm, tolerance=self.errorTolerance)


def periods(daily: Mapping[date, Profile], end: date, partition: str) -> list[Profile]:
    """Merge days into periods, counted back from the end; oldest first, empty ones left out.

    The oldest period is dropped when it is not whole, unless it is the only one: a stub would look
    like a week that differs.
    """
    length = DAYS[partition]
    if length == 1:
        return [daily[day] for day in sorted(daily)]
    groups: dict[int, list[Profile]] = {}
    for day in sorted(daily):
        groups.setdefault((end - day).days // length, []).append(daily[day])
    if len(groups) > 1 and daily:
        oldest = max(groups)
        first_day = end - timedelta(days=oldest * length + length - 1)
        if min(daily) > first_day:
            del groups[oldest]
    return [merged(groups[index]) for index in sorted(groups, reverse=True)]


def write_baseline(profiles: Sequence[Profile], start: date, end: date) -> str:
    """A champion's baseline as one JSON document."""
    return json.dumps(
        {
            "format": "sluice.drift-baseline",
            "version": 1,
            "start": start.isoformat(),
            "end": end.isoformat(),
            "periods": [json.loads(profile.to_json()) for profile in profiles],
        },
        sort_keys=True,
    )


def read_baseline(text: bytes) -> tuple[list[Profile], date]:
    """The periods of a baseline, and its last day.

    Raises:
        UnreadableData: it is no baseline.
    """
    try:
        value = json.loads(text)
        if (value["format"], value["version"]) != ("sluice.drift-baseline", 1):
            raise ValueError(f"its format is {value['format']} {value['version']}")
        profiles = [Profile.from_json(json.dumps(item)) for item in value["periods"]]
        return profiles, date.fromisoformat(value["end"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableData(
            f"This is no drift baseline that can be read: {error}.",
            "Retrain the model; a new version brings a new baseline.",
        ) from error

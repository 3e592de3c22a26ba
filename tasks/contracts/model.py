"""A data contract as values: what a data set must be, parsed and complete.

The file behind it is Open Data Contract Standard (ODCS) v3; :mod:`tasks.contracts.odcs` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

from tasks.values import Frozen

LogicalType = Literal[
    "string",
    "date",
    "timestamp",
    "time",
    "number",
    "integer",
    "object",
    "array",
    "boolean",
    "map",
    "vector",
]
Format = Literal["csv", "jsonl", "parquet", "images"]
Kind = Literal["numeric", "categorical", "text", "image"]
Severity = Literal["error", "warning"]
NESTED: frozenset[str] = frozenset({"object", "array", "map", "vector"})
PRIVATE: frozenset[str] = frozenset({"restricted", "confidential"})
WRITTEN = "_written"
"""Column of good rows on their way to curation by merging: the file and line they came from."""


class Column(Frozen):
    """One column; a field of a JSON object is a column too, named ``outer.inner``.

    Bounds are numbers for numbers and ISO text for dates and times. ``items`` is the ODCS
    description of what a nested column holds, as it stands in the file. ``physical_name`` is the
    path at which the file brings the value, where that is not the name; ``default_timezone`` the
    zone of times that name none; ``partitioned`` values may stand in the key, ``name=value/``.
    ``former_names`` are where older rows bring the value (``outer.inner`` inside objects); the
    first that holds one counts.
    """

    name: str
    type: LogicalType
    description: str = ""
    required: bool = False
    unique: bool = False
    classification: str = ""
    minimum: float | int | str | None = None
    maximum: float | int | str | None = None
    exclusive_minimum: float | int | str | None = None
    exclusive_maximum: float | int | str | None = None
    multiple_of: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    format: str = ""
    timezone: bool = True
    default_timezone: str = ""
    enum: tuple[Any, ...] = ()
    missing_tokens: tuple[str, ...] = ()
    items: Mapping[str, Any] | None = None
    profile: Kind | Literal["none", ""] = ""
    physical_name: str = ""
    partitioned: bool = False
    former_names: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Where the file brings the column: ``outer.inner`` inside objects."""
        return self.physical_name or self.name

    @property
    def zoned(self) -> bool:
        """Whether a timestamp is a moment (kept in UTC) and not a bare wall-clock time."""
        return self.timezone or bool(self.default_timezone)

    @property
    def private(self) -> bool:
        """Whether values must not be shown in reports."""
        return self.classification in PRIVATE

    @property
    def item_fields(self) -> frozenset[str]:
        """Names of the fields of the objects that an array holds; none of other arrays."""
        described = (self.items or {}).get("items") or {}
        return frozenset(str(part["name"]) for part in described.get("properties") or ())

    @property
    def kind(self) -> Kind | None:
        """How drift should look at the column, or None when it should not."""
        if self.profile:
            return None if self.profile == "none" else self.profile
        if self.unique or self.type in NESTED | {"date", "timestamp", "time"}:
            return None
        if self.type in {"integer", "number"} and not self.enum:
            return "numeric"
        return "categorical"


class Inside(Frozen):
    """What an object must hold where it is present; its fields are columns of their own.

    ``fields`` (name, key in the file) must then be there. ``required``: the object itself must be
    there, and no required column of its own says so already. ``least`` and ``most`` bound how many
    keys it has.
    """

    name: str
    physical_name: str = ""
    required: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    least: int | None = None
    most: int | None = None

    @property
    def source(self) -> str:
        """Where the file brings the object: ``outer.inner`` inside objects."""
        return self.physical_name or self.name


class Bound(Frozen):
    """What a number counted over the whole snapshot must be.

    ``low``/``high`` are inclusive unless ``strict``; ``inside`` False asks for the outside.
    """

    low: float | None = None
    high: float | None = None
    strict: bool = False
    inside: bool = True
    unit: Literal["rows", "percent"] = "rows"

    def holds(self, value: float) -> bool:
        """Whether the value is where it must be."""
        above = self.low is None or (value > self.low if self.strict else value >= self.low)
        below = self.high is None or (value < self.high if self.strict else value <= self.high)
        return (above and below) is self.inside

    def __str__(self) -> str:
        sign = " %" if self.unit == "percent" else ""
        if self.low is not None and self.low == self.high:
            text = f"{self.low:g}{sign}"
        elif self.low is None:
            text = f"{'<' if self.strict else '≤'} {self.high:,g}{sign}"
        elif self.high is None:
            text = f"{'>' if self.strict else '≥'} {self.low:,g}{sign}"
        else:
            text = f"{self.low:,g} … {self.high:,g}{sign}"
        return text if self.inside else f"not {text}"


class Quality(Frozen):
    """One ODCS quality rule, on one column or (``column`` empty) on the table.

    ``kind`` is the ODCS library metric, ``greatExpectations`` or ``sluice`` (checks of ours).
    """

    kind: str
    column: str = ""
    name: str = ""
    description: str = ""
    severity: Severity = "error"
    arguments: Mapping[str, Any] = {}
    bound: Bound | None = None


class Reference(Frozen):
    """A foreign key: ``columns`` of this data set name rows of another one."""

    columns: tuple[str, ...]
    dataset: str
    targets: tuple[str, ...]
    severity: Severity = "error"


class Freshness(Frozen):
    """The newest value of ``column`` lies at most ``days`` before the day that is asked about."""

    column: str
    days: float
    severity: Severity = "error"


class Embedded(Frozen):
    """Records that lie inside another data set's records, in an object of theirs."""

    dataset: str
    field: str


class Contract(Frozen):
    """Everything that one file of ``data_contracts/`` promises.

    ``location_prefix`` is the key prefix in the lake bucket, and ``location_pattern`` (may be
    empty) the shape of whole keys, where several data sets share their folders;
    ``partitioning`` ``day`` means that folders below it name the day. ``delimiter`` stands between
    the fields of CSV ("" is a comma), or says how JSON records are parted. ``quarantine_limit``
    is the share of rows (and of objects) that may be quarantined before the run stops.
    ``key`` and ``event_time`` say how updated records are resolved: the newest per key counts;
    ``record_day`` names the column whose day is a record's curated partition (empty: the day of
    its first raw partition), ``processed_prefix`` where curated partitions lie. ``labelled_by``
    names the data set whose rows are the records' outcomes; joined, they lie below
    ``training_prefix``. ``quarantine_floor`` rows (and objects) may be set aside whatever their
    share. ``objects`` are rules of objects whose fields are columns; ``untold`` names service
    levels that nothing measures, so that reports say so.

    ``merges``: a version of a record says only what is new; each field has its newest value, and
    a record must have ``record_requires`` once its versions are put together, and they must all
    have the same ``record_same``, or they are those of several records. ``then_by`` decides
    between versions of one event time. ``embedded_in`` are further records of this data set, and
    a record labels another one once it says one of ``labels`` (empty: always).
    ``location_exclude`` are names of files that belong to others. ``written`` asks for the column
    :data:`WRITTEN`.
    """

    dataset: str
    version: str
    id: str
    name: str
    status: str
    owner: str
    description: str
    location_prefix: str
    location_pattern: str = ""
    location_exclude: tuple[str, ...] = ()
    format: Format
    encoding: str = "utf-8"
    delimiter: str = ""
    partitioning: Literal["day", "none"] = "day"
    columns: tuple[Column, ...]
    objects: tuple[Inside, ...] = ()
    primary_key: tuple[str, ...] = ()
    quality: tuple[Quality, ...] = ()
    references: tuple[Reference, ...] = ()
    quarantine_limit: float = 0.01
    freshness: Freshness | None = None
    retention_days: float | None = None
    frequency_days: float | None = None
    key: tuple[str, ...] = ()
    event_time: str = ""
    then_by: str = ""
    merges: bool = False
    record_requires: tuple[str, ...] = ()
    record_same: tuple[str, ...] = ()
    embedded_in: Embedded | None = None
    labels: tuple[str, ...] = ()
    written: bool = False
    record_day: str = ""
    processed_prefix: str = ""
    labelled_by: str = ""
    training_prefix: str = ""
    quarantine_floor: int = 0
    drift_policy: Mapping[str, Any] = {}
    untold: tuple[str, ...] = ()

    def owns(self, key: str) -> bool:
        """Whether an object of the lake belongs to this data set."""
        if not key.startswith(self.location_prefix):
            return False
        name = key.rpartition("/")[2]
        if any(fnmatchcase(name, pattern) for pattern in self.location_exclude):
            return False
        return not self.location_pattern or fnmatchcase(key, self.location_pattern)

    @property
    def whole(self) -> Contract:
        """The same for a whole snapshot: its versions keep what puts them in order."""
        return self.model_copy(update={"written": self.merges})

    @property
    def increment(self) -> Contract:
        """The same for rows that came lately: without what only a whole snapshot can promise.

        Three late rows are no volume, and say nothing of freshness. A foreign key is settled by
        the join (a record may come after its outcome). One bad row among them is a large share.
        """
        rows = tuple(item for item in self.quality if item.kind != "rowCount")
        changed = {
            "quality": rows,
            "freshness": None,
            "frequency_days": None,
            "references": (),
            "quarantine_floor": 1,
            "written": self.merges,
        }
        return self.model_copy(update=changed)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the contract's order."""
        return tuple(column.name for column in self.columns)

    @property
    def private_columns(self) -> frozenset[str]:
        """Columns whose values must not be shown in reports."""
        return frozenset(column.name for column in self.columns if column.private)

    @property
    def top_level(self) -> frozenset[str]:
        """Names under which the data bring the columns: ``outer`` for ``outer.inner`` too."""
        names = [column.source for column in self.columns]
        names += [inside.source for inside in self.objects]
        names += [former for column in self.columns for former in column.former_names]
        return frozenset(names) | {name.partition(".")[0] for name in names}

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Columns that drift should look at, and how."""
        by_column = {column.name: column.kind for column in self.columns}
        return {name: kind for name, kind in by_column.items() if kind is not None}

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: the contract has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

"""Date and time forms of the JDK, zones, and what a contract itself writes of moments."""

from datetime import UTC, date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.model import Column
from tasks.contracts.moments.forms import UnknownForm, form_of
from tasks.contracts.moments.zones import zone_named
from tasks.contracts.odcs import contract_of
from tasks.contracts.validation.casting import cast
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document


def read(kind, texts, **more):
    typed, unread = cast(Column(name="c", type=kind, **more), pa.array(texts, pa.string()), "text")
    for value, text, said in zip(typed.to_pylist(), texts, unread.to_pylist(), strict=True):
        assert (value is None) == (said == text)
    return typed.to_pylist()


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


STAMPS = [
    ("yyyy-MM-dd HH:mm:ssZ", "2020-05-01 00:00:00+1000", utc(2020, 4, 30, 14)),
    ("yyyy-MM-dd HH:mm:ssZ", "2020-05-01 00:00:00Z", utc(2020, 5, 1)),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-05-01T00:00:00.123+10:00",
     utc(2020, 4, 30, 14, 0, 0, 123_000)),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-05-01T00:00:00.123Z", utc(2020, 5, 1, 0, 0, 0, 123_000)),
    ("dd/MMM/yyyy:HH:mm:ss Z", "01/May/2020:10:30:00 +0000", utc(2020, 5, 1, 10, 30)),
    ("yyyy-MM-dd hh:mm a", "2020-05-01 10:30 PM", utc(2020, 5, 1, 22, 30)),
    ("yyyy-MM-dd hh:mm a", "2020-05-01 12:05 am", utc(2020, 5, 1, 0, 5)),
    ("M/d/yy h:mm a", "5/1/20 1:05 PM", utc(2020, 5, 1, 13, 5)),
    ("yyyyMMdd", "20200501", utc(2020, 5, 1)),
    ("yyyyMMddHHmmssSSS", "20200501103000125", utc(2020, 5, 1, 10, 30, 0, 125_000)),
    ("dd.MM.yyyy HH:mm", "01.05.2020 10:30", utc(2020, 5, 1, 10, 30)),
    ("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'", "2020-05-01T10:30:00.000001Z",
     utc(2020, 5, 1, 10, 30, 0, 1)),
    ("yyyy-MM-ddTHH:mm:ssX", "2020-05-01T10:30:00+02", utc(2020, 5, 1, 8, 30)),
    ("EEE, dd MMM yyyy HH:mm:ss 'GMT'", "Fri, 01 May 2020 10:30:00 GMT", utc(2020, 5, 1, 10, 30)),
    ("EEEE d MMMM uuuu H:mm", "Friday 1 May 2020 9:05", utc(2020, 5, 1, 9, 5)),
    ("yyyy-MM-dd HH:mm VV", "2020-05-01 10:30 Europe/Berlin", utc(2020, 5, 1, 8, 30)),
    ("yyyy-MM-dd HH:mm:ss[.SSS][ O]", "2020-05-01 10:30:00", utc(2020, 5, 1, 10, 30)),
    ("yyyy-MM-dd HH:mm:ss[.SSS][ O]", "2020-05-01 10:30:00.500 GMT+8",
     utc(2020, 5, 1, 2, 30, 0, 500_000)),
    ("yyyy-MM-dd kk:mm", "2020-05-01 24:10", utc(2020, 5, 1, 0, 10)),
    ("yyyy-MM-dd KK:mm a", "2020-05-01 00:10 PM", utc(2020, 5, 1, 12, 10)),
    ("h 'o''clock' a, yyyy-MM-dd", "3 o'clock PM, 2020-05-01", utc(2020, 5, 1, 15)),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text", "moment"), STAMPS)
def test_a_text_that_is_right_by_its_form_names_its_moment(form, text, moment):
    assert read("timestamp", [text], format=form) == [moment]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yyyy-MM-dd", "2020-02-30"),
        ("yyyy-MM-dd", "2020-5-1"),
        ("EEE yyyy-MM-dd", "Mon 2020-05-01"),
        ("yyyy-MM-dd HH:mm", "2020-05-01 24:00"),
        ("yyyy-MM-dd hh:mm a", "2020-05-01 13:00 PM"),
        ("yyyy-MM-dd HH:mm VV", "2020-05-01 10:30 Nowhere/Else"),
        ("yyyy-MM-dd'T'HH:mm", "2020-05-01 10:30"),
        ("yyyy-MM-dd", "2020-05-01\n"),
        ("yyyy-MM-dd", "٢٠٢٠-05-01"),
    ],
)
def test_a_text_that_is_wrong_by_its_form_did_not_read(form, text):
    assert read("timestamp", [text], format=form) == [None]


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("timestamp", "YYYY-MM-DDTHH:MM:SSZ"),
        ("timestamp", "YYYY-MM-dd"),
        ("timestamp", "yyyy-DDD"),
        ("timestamp", "yyyy-MM-dd hh:mm:ss"),
        ("timestamp", "yyyy-mm-dd"),
        ("timestamp", "EEE, dd MMM yyyy HH:mm:ss zzz"),
        ("timestamp", "date-time"),
        ("timestamp", "epoch"),
        ("timestamp", "ISO8601"),
        ("timestamp", "%Y-%m-%d"),
        ("timestamp", "HH:mm:ss"),
        ("timestamp", "yyyy-MM"),
        ("timestamp", "yyyy-MM-dd'T"),
        ("timestamp", "[yyyy-MM-dd"),
        ("timestamp", "yyyy-MM-dd ss"),
        ("timestamp", "yyyy-MM-dd dd"),
        ("timestamp", "yyyy-MM-dd HH:mm:ss.SSSSSSSSSS"),
        ("timestamp", "yyyy-MMMMM-dd"),
        ("date", "HH:mm"),
        ("time", "yyyy-MM-dd HH:mm"),
        ("time", "HH:mmXXX"),
        ("time", "mm:ss"),
    ],
)
def test_a_form_that_would_not_be_understood_is_refused_by_name(kind, form):
    column = {"name": "at", "logicalType": kind, "logicalTypeOptions": {"format": form}}
    with pytest.raises(InvalidContract) as caught:
        contract_of(document([column]), "things", "t")
    assert repr(form) in str(caught.value)


@pytest.mark.parametrize("form", ["yyyy-MM-dd", "dd.MM.yyyy", "d MMM uuuu", "EEEE, MMMM d, yyyy"])
@given(day=st.dates(date(1000, 1, 1), date(9999, 12, 31)))
def test_every_date_written_by_a_form_reads_back(form, day):
    written = {
        "yyyy-MM-dd": f"{day:%Y-%m-%d}",
        "dd.MM.yyyy": f"{day:%d.%m.%Y}",
        "d MMM uuuu": f"{day.day} {day:%b} {day.year}",
        "EEEE, MMMM d, yyyy": f"{day:%A}, {day:%B} {day.day}, {day.year}",
    }[form]
    assert form_of(form, "date").read(written) == day


@given(
    moment=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001 - bare on purpose
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_every_moment_written_with_its_offset_reads_back(moment, minutes):
    there = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    form = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSxxx"
    assert read("timestamp", [there.isoformat(timespec="microseconds")], format=form) == [there]


@given(text=st.text(max_size=12))
def test_any_text_is_a_form_or_is_refused(text):
    try:
        form = form_of(text, "timestamp")
    except UnknownForm:
        return
    form.read("2020-05-01")


def test_a_date_may_be_written_with_a_time_and_a_time_in_any_form():
    assert read("date", ["01.05.2020 23:30"], format="dd.MM.yyyy HH:mm") == [date(2020, 5, 1)]
    assert read("time", ["10:30 PM"], format="hh:mm a") == ["22:30:00"]
    assert read("time", ["10:30", "10:30:05", "10:30:05.500"]) == [
        "10:30:00", "10:30:05", "10:30:05.5"
    ]  # fmt: skip


WINTER, SUMMER = "2024-01-15 08:00:00", "2024-07-01 08:00:00"


@pytest.mark.parametrize("form", ["", "yyyy-MM-dd HH:mm:ss"])
@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        ("Australia/Sydney", [utc(2024, 1, 14, 21), utc(2024, 6, 30, 22)]),
        ("Europe/Berlin", [utc(2024, 1, 15, 7), utc(2024, 7, 1, 6)]),
        ("+05:30", [utc(2024, 1, 15, 2, 30), utc(2024, 7, 1, 2, 30)]),
        ("Etc/UTC", [utc(2024, 1, 15, 8), utc(2024, 7, 1, 8)]),
    ],
)
def test_wall_clock_times_are_those_of_the_default_zone(form, zone, moments):
    found = read("timestamp", [WINTER, SUMMER], format=form, default_timezone=zone)
    assert found == moments
    bare = read("timestamp", [SUMMER], format=form, timezone=False, default_timezone=zone)
    assert bare == moments[1:], "a named zone makes a moment of a bare time"


@pytest.mark.parametrize("form", ["", "yyyy-MM-dd HH:mm:ss"])
def test_a_time_that_clocks_skip_or_show_twice_names_no_moment(form):
    gap, fold, before = "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-10-27 01:59:59"
    found = read("timestamp", [gap, fold, before], format=form, default_timezone="Europe/Berlin")
    assert found == [None, None, utc(2024, 10, 26, 23, 59, 59)]


def test_texts_with_and_without_a_zone_stand_side_by_side():
    texts = ["2024-07-01 08:00:00", "2024-07-01T08:00:00+10:00", "2024-06-30T22:00:00Z",
             "2024-07-01", None]  # fmt: skip
    found = read("timestamp", texts, default_timezone="Australia/Sydney")
    assert found == [utc(2024, 6, 30, 22)] * 3 + [utc(2024, 6, 30, 14), None]


def test_without_any_zone_times_stay_bare_and_a_text_that_names_one_is_told():
    found = read("timestamp", [SUMMER, "2024-07-01T08:00:00+10:00"], timezone=False)
    assert found == [datetime(2024, 7, 1, 8), None]  # noqa: DTZ001 - bare, as the contract says


def test_bare_times_of_parquet_and_of_objects_are_those_of_the_default_zone_too():
    column = Column(name="c", type="timestamp", default_timezone="Australia/Sydney")
    bare = datetime(2024, 7, 1, 8)  # noqa: DTZ001 - as Parquet without a zone has it
    for raw, kind in ((pa.array([bare], pa.timestamp("us")), "typed"), ([bare], "objects")):
        typed, unread = cast(column, raw, kind)
        assert typed.to_pylist() == [utc(2024, 6, 30, 22)]
        assert unread.to_pylist() == [None]
    aware = pa.array([utc(2024, 7, 1)], pa.timestamp("us", "UTC"))
    assert cast(column, aware, "typed")[0].to_pylist() == [utc(2024, 7, 1)]


def test_an_unknown_zone_is_refused_by_name():
    options = {"defaultTimezone": "Europe/Atlantis"}
    column = {"name": "at", "logicalType": "timestamp", "logicalTypeOptions": options}
    with pytest.raises(InvalidContract, match=r"defaultTimezone 'Europe/Atlantis'"):
        contract_of(document([column]), "things", "t")


@pytest.mark.parametrize(
    "zone",
    ["localtime", "posixrules", "Factory", "right/UTC", "posix/Europe/Berlin", "europe/berlin",
     "Europe", "tzdata.zi", "../UTC", "+99:00"],
)  # fmt: skip
def test_what_only_this_machine_takes_for_a_zone_is_none(zone):
    column = {"name": "at", "logicalType": "timestamp", "logicalTypeOptions": {
        "defaultTimezone": zone}}  # fmt: skip
    with pytest.raises(InvalidContract, match="defaultTimezone"):
        contract_of(document([column]), "things", "t")
    form = form_of("yyyy-MM-dd HH:mm VV", "timestamp")
    assert form.read(f"2024-07-01 08:00 {zone}") is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "US/Pacific", "CET", "+05:30", "UTC-3", "Z"])
def test_names_and_offsets_of_zones_are_known(zone):
    assert zone_named(zone).utcoffset(datetime(2024, 7, 1)) is not None  # noqa: DTZ001 - its clocks


@pytest.mark.parametrize(
    "form", ["yyyy-MM-dd HH:mmX", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyy-MM-dd HH:mm VV",
             "yyyy-MM-dd HH:mm Z", "yyyy-MM-dd[ HH:mm]O"],
)  # fmt: skip
@pytest.mark.parametrize("zone", [{}, {"defaultTimezone": "Europe/Berlin"}])
def test_a_form_that_names_a_zone_in_each_text_needs_texts_that_may(form, zone):
    assert contract_of(document([stamp(format=form)]), "things", "t")
    with pytest.raises(InvalidContract, match=r"names a zone, and timezone: false.*write the zone"):
        contract_of(document([stamp(format=form, timezone=False, **zone)]), "things", "t")
    item = stamp(format=form, timezone=False)
    inside = {"name": "all", "logicalType": "array", "items": item}
    with pytest.raises(InvalidContract, match="names a zone"):
        contract_of(document([inside]), "things", "t")


@pytest.mark.parametrize("form", ["yyyy-MM-dd HH:mm[XXX]", "yyyy-MM-dd HH:mm['Z']",
                                  "yyyy-MM-dd HH:mm[[ ]VV]", "yyyy-MM-dd HH:mm'Z'"])  # fmt: skip
def test_a_zone_that_may_be_missing_is_fine_where_texts_name_none(form, lake, judge):
    tail = "Z" if form.endswith("'Z'") else ""
    lake.csv("a.csv", [(f"2024-07-01 08:00{tail}",)], ["at"])
    judge(contract_of(document([stamp(format=form, timezone=False)]), "things", "t"), lake)
    assert len(judge.good()) == 1


def stamp(**options):
    return {"name": "at", "logicalType": "timestamp", "logicalTypeOptions": options}


def test_a_bound_is_a_moment_of_the_same_zone(lake, judge):
    options = {"defaultTimezone": "Australia/Sydney", "minimum": "2024-07-01 08:00:00"}
    contract = contract_of(document([stamp(**options)]), "things", "t")
    lake.csv("a.csv", [("2024-07-01 07:59:59",), ("2024-07-01 08:00:00",)], ["at"])
    judge(contract, lake)
    assert judge.reasons() == {2: ["at.range"]}


@pytest.mark.parametrize("bound", ["yesterday", "2024-02-30", ""])
def test_a_bound_that_is_no_moment_is_refused(bound):
    with pytest.raises(InvalidContract, match="minimum"):
        contract_of(document([stamp(minimum=bound)]), "things", "t")


def test_a_bound_may_be_written_in_the_form_of_the_column(lake, judge):
    options = {"format": "dd.MM.yyyy", "maximum": "01.05.2020", "exclusiveMinimum": "2020-04-01"}
    column = {"name": "on", "logicalType": "date", "logicalTypeOptions": options}
    lake.csv("a.csv", [("02.05.2020",), ("01.05.2020",), ("01.04.2020",)], ["on"])
    judge(contract_of(document([column]), "things", "t"), lake)
    assert judge.reasons() == {2: ["on.range"], 4: ["on.range"]}


def test_allowed_dates_and_times_are_compared_as_what_they_mean(lake, judge):
    columns = [
        {"name": "on", "logicalType": "date", "enum": [{"value": "2024-01-01"}]},
        {"name": "at", "logicalType": "time", "enum": [{"value": "08:30"}]},
        stamp(format="yyyy-MM-dd HH:mmX") | {"name": "when", "enum": [{"value": "2024-01-01"}]},
    ]
    rows = [("2024-01-01", "08:30:00", "2024-01-01 01:00+01"), ("2024-01-02", "08:31", "")]
    lake.csv("a.csv", rows, ["on", "at", "when"])
    judge(contract_of(document(columns), "things", "t"), lake)
    assert judge.reasons() == {3: ["at.enum", "on.enum"]}

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.model import Column
from tasks.contracts.validation.casting import cast, not_multiples


def read(kind, values, source="text", **more):
    raw = pa.array(values, pa.string()) if source == "text" else values
    typed, unread = cast(Column(name="c", type=kind, **more), raw, source)
    return typed.to_pylist(), unread.to_pylist()


@pytest.mark.parametrize("text", ["3", "-3", "+3", "3.0", "3.", "003"])
def test_text_of_a_whole_number_is_an_integer(text):
    assert read("integer", [text]) == ([int(float(text))], [None])


@pytest.mark.parametrize(
    "text", ["?", "3.5", "1,000", "$3", "3 rooms", "1e3", "٣", "0x10", "NaN", "9" * 19, " 3"]
)
def test_other_text_is_no_integer(text):
    assert read("integer", [text]) == ([None], [text])


@pytest.mark.parametrize("text", ["?", "1.2.3", "1,5", "nan", "inf", "1e999", "--1", "1e", "e5"])
def test_text_that_is_no_finite_number_did_not_read(text):
    assert read("number", [text]) == ([None], [text])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_reads_back_from_its_text(value):
    assert read("number", [repr(value)]) == ([value], [None])


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_every_integer_reads_back_exactly(value):
    assert read("integer", [str(value)]) == ([value], [None])


@given(st.text(max_size=20))
def test_any_text_either_reads_or_is_told(text):
    for kind in ("integer", "number", "boolean", "date", "timestamp", "time"):
        (typed,), (unread,) = read(kind, [text])
        assert (typed is None) == (unread is not None or text == "")


def test_an_empty_field_is_no_value():
    for kind in ("integer", "number", "boolean", "date", "timestamp", "string"):
        assert read(kind, ["", None]) == ([None, None], [None, None])


def test_texts_that_mean_nothing_are_named_by_the_contract():
    assert read("integer", ["n/a", "?"], missing_tokens=("n/a",)) == ([None, None], [None, "?"])


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_number_that_means_nothing_does_so_in_whatever_digits(kind):
    none = {"missing_tokens": ("-999", "9.50")}
    texts = ["-999", "-999.0", "-999.00", "-0999", "9.5", "-99.9"]
    typed, unread = read(kind, texts, **none)
    assert typed == [None] * 5 + ([-99.9] if kind == "number" else [None])
    assert unread == [None] * 5 + ([None] if kind == "number" else ["-99.9"])
    decimals = [Decimal("-999.00"), Decimal("9.50"), Decimal(7), None]
    for source in (pa.array(decimals, pa.decimal128(10, 2)), decimals):
        assert read(kind, source, "typed", **none) == ([None, None, 7, None], [None] * 4)


def test_a_whole_number_that_means_nothing_is_no_other_number_of_the_same_float():
    none = {"missing_tokens": ("9999999999999999", "-5e3", "1e999")}
    whole = [9999999999999999, 10000000000000000, 9999999999999998, -5000, None]
    kept = [None, 10000000000000000, 9999999999999998, None, None]
    texts = [str(value) if value else "" for value in whole]
    assert read("integer", texts, **none) == (kept, [None] * 5)
    assert read("integer", ["+9999999999999999.00", "9999999999999999.5"], **none) == (
        [None, None], [None, "9999999999999999.5"]
    )  # fmt: skip
    decimals = [value if value is None else Decimal(value) for value in whole]
    kinds = (pa.int64(), pa.decimal128(38, 2))
    for raw in (*(pa.array(decimals if kind != pa.int64() else whole, kind) for kind in kinds),
                whole, decimals):  # fmt: skip
        assert read("integer", raw, "typed", **none) == (kept, [None] * 5)
    floats = pa.array([9999999999999999.0, 5.0])
    assert read("integer", floats, "typed", **none)[0] == [None, 5], "written as the float it is"


def test_a_text_column_has_texts_that_mean_nothing_and_no_numbers():
    assert read("string", ["-999", "-999.0"], missing_tokens=("-999",))[0] == [None, "-999.0"]


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_every_iso_date_reads(day):
    assert read("date", [day.isoformat()]) == ([day], [None])


@pytest.mark.parametrize(
    "text",
    [
        "05/27/2015",
        "27.05.2015",
        "2015-5-7",
        "2015-02-30",
        "2015-13-01",
        "20150527",
        "today",
        "0000-01-01",
    ],
)
def test_us_dates_and_days_that_do_not_exist_did_not_read(text):
    assert read("date", [text]) == ([None], [text])


def test_a_contract_may_ask_for_another_form_of_date():
    assert read("date", ["05/27/2015", "2015-05-27"], format="MM/dd/yyyy") == (
        [date(2015, 5, 27), None],
        [None, "2015-05-27"],
    )


def test_times_are_brought_to_utc():
    moment = datetime(2024, 3, 1, 10, 30, tzinfo=UTC)
    texts = ["2024-03-01T12:30:00+02:00", "2024-03-01 10:30", "2024-03-01T10:30:00Z", "noon"]
    typed, unread = read("timestamp", texts)
    assert typed == [moment, moment, moment, None]
    assert unread == [None, None, None, "noon"]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("integer", [3, 3.0, None], ["3", 3.5, True, [3], 2**70]),
        ("number", [3, 3.5, None], ["3.5", True, {"a": 1}, math.inf]),
        ("boolean", [True, False, None], [1, 0, "true"]),
        ("string", ["3", "", None], [3, True, ["a"], "\ud800"]),
        ("date", ["2024-03-01", None], ["03/01/2024", 20240301]),
        ("timestamp", ["2024-03-01T10:00:00Z", None], ["later", 1709287200]),
    ],
)
def test_json_has_types_and_a_number_in_quotes_is_none(kind, good, bad):
    assert read(kind, good, "objects")[1] == [None] * len(good)
    typed, unread = read(kind, bad, "objects")
    assert typed == [None] * len(bad)
    assert all(unread)


def test_parquet_numbers_keep_their_exact_value():
    big = 2**60 + 1
    assert read("integer", pa.array([big, None]), "typed") == ([big, None], [None, None])
    assert read("integer", pa.array([1.0, 1.5]), "typed") == ([1, None], [None, "1.5"])
    assert read("integer", pa.array([2**64 - 1], pa.uint64()), "typed")[0] == [None]
    assert read("number", pa.array([Decimal("1.25")]), "typed") == ([1.25], [None])
    assert read("number", pa.array([math.nan, math.inf]), "typed") == ([None, None], [None, "inf"])


@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1969-12-31T23:59:59.999999999", -1),
        ("1969-12-31T23:59:59.999999", -1_000),
        ("1969-12-31T23:59:59.9999985", -1_500),
        ("1970-01-01T00:00:00.000000999", 999),
        ("2024-07-01T00:00:00.123456789", 1_719_792_000_123_456_789),
        ("1677-09-21T00:12:43.145224193", -(2**63) + 1),
    ],
)
def test_nanoseconds_are_cut_off_in_parquet_as_in_text(text, count, zone):
    (wanted,), (unread,) = read("timestamp", [text])
    assert unread is None
    stamps = pa.array([count, None], pa.timestamp("ns", zone))
    assert read("timestamp", stamps, "typed") == ([wanted, None], [None, None])


@pytest.mark.parametrize(
    "text", ["no", "[1,", "[NaN]", "{1,2}", '[{"a":1,"a":2}]', "[" * 10_000, "[1][2]"]
)
def test_a_cell_that_should_hold_json_and_does_not_is_told_so(text):
    items = {"items": {"logicalType": "number"}}
    for source in ("text", "typed"):
        raw = pa.array([text, "[1, null]"], pa.string())
        typed, unread = read("array", raw, source, items=items)
        assert typed == [None, "[1, null]"]
        assert unread == ["c is not an array but text that is no JSON", None]


def test_a_parquet_column_of_another_type_did_not_read():
    assert read("number", pa.array(["3"]), "typed") == ([None], ["3"])
    assert read("string", pa.array([3]), "typed") == ([None], ["3"])
    assert read("date", pa.array([date(2024, 3, 1)]), "typed") == ([date(2024, 3, 1)], [None])
    assert read("boolean", pa.array([1]), "typed") == ([None], ["1"])


def test_nested_values_are_told_where_they_leave_their_description():
    items = {"items": {"logicalType": "object", "properties": [
        {"name": "role", "logicalType": "string", "required": True, "enum": [{"value": "user"}]},
        {"name": "tokens", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
    ]}}  # fmt: skip
    values = [
        [{"role": "user", "tokens": 3}],
        [{"tokens": 3}],
        [{"role": "king"}],
        [{"role": "user", "tokens": -1}],
        [{"role": "user", "tokens": "3"}],
        "[]",
        [],
    ]
    typed, unread = read("array", values, "objects", items=items)
    assert unread[0] is None
    assert unread[1] == "c[0].role is missing"
    assert "'king', not one of user" in unread[2]
    assert "outside its range" in unread[3]
    assert "not an integer but text" in unread[4]
    assert "not an array but text" in unread[5]
    assert typed[0] == '[{"role": "user", "tokens": 3}]'
    assert typed[6] == "[]"


FAR = [
    pa.array([2**62], pa.timestamp("us", "UTC")),
    pa.array([-(2**62)], pa.timestamp("us")),
    pa.array([2**53], pa.timestamp("ms", "UTC")),  # in microseconds it would wrap around
    pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    pa.array([-(2**31)], pa.int32()).cast(pa.date32()),
]


@pytest.mark.parametrize("kind", ["date", "timestamp"])
@pytest.mark.parametrize("raw", FAR, ids=lambda raw: str(raw.type))
def test_a_moment_beyond_the_calendar_did_not_read(kind, raw):
    typed, unread = cast(Column(name="c", type=kind), raw, "typed")
    assert typed.to_pylist() == [None]
    assert str(raw.type) in unread.to_pylist()[0]


def test_moments_at_the_ends_of_the_calendar_read_and_their_neighbours_do_not():
    days = [date.min.toordinal() - 719_163 - 1, date.max.toordinal() - 719_163 + 1]
    inside = pa.array([days[0] + 1, days[1] - 1], pa.int32()).cast(pa.date32())
    assert read("date", inside, "typed") == ([date.min, date.max], [None, None])
    beyond = pa.array(days, pa.int32()).cast(pa.date32())
    assert read("date", beyond, "typed")[0] == [None, None]
    late = ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
    assert read("timestamp", late)[1] == [*late[:2], None]


def test_nanoseconds_and_a_zone_that_nobody_knows():
    moment = datetime(2024, 3, 1, tzinfo=UTC)
    fine = pa.array([int(moment.timestamp()) * 10**9 + 1], pa.timestamp("ns", "UTC"))
    assert read("timestamp", fine, "typed") == ([moment], [None])
    nowhere = pa.array([0], pa.timestamp("us", "No/Where"))
    assert read("date", nowhere, "typed")[0] == [None]


@pytest.mark.parametrize("value", [10**400, math.inf, -math.inf], ids=["long", "inf", "-inf"])
def test_numbers_without_end_inside_arrays_are_told(value):
    for kind in ("integer", "string"):
        typed, unread = read("array", [[value]], "objects", items={"items": {"logicalType": kind}})
        assert typed == [None]
        assert "c[0] is not a" in unread[0]


def test_half_a_character_inside_an_array_is_told_as_outside_of_it():
    typed, unread = read("array", [["\ud800"], ["\u00e9"]], "objects")
    assert typed == [None, '["\u00e9"]']
    assert unread == ['["\\ud800"]', None]


def test_what_is_nested_too_deeply_is_told_and_not_shown():
    deep: list = []
    for _ in range(5_000):
        deep = [deep]
    assert read("integer", [deep], "objects")[1] == ["(nested too deeply to be shown)"]


@pytest.mark.parametrize(
    ("of", "multiples", "others"),
    [
        (2.0, [2**53 + 2, 0, -4, 2**62], [2**53 + 1, 1, -(2**53) - 1]),
        (1e9, [0, 10**9, -(10**18)], [1, 10**9 + 1]),
        (1e20, [0], [1, 7, 2**62]),
        (0.1, [0.3, 0, 1, 1e12], [0.25, 0.05]),
        (1e-300, [1.0, 1e10, 1e300, 0.0, 3e-300], [1.5e-300]),
        (1e-12, [0.0, 1e-12, 1e300], [1.5e-12]),
    ],
)
def test_multiples_are_told_from_others_at_every_size(of, multiples, others):
    kind = pa.float64() if any(isinstance(value, float) for value in others) else pa.int64()
    found = not_multiples(pa.array([*multiples, None, *others], kind), of)
    assert found[: len(multiples) + 1] == [None] * (len(multiples) + 1)
    assert None not in found[len(multiples) + 1 :]


@given(st.integers(-(2**63), 2**63 - 1), st.integers(1, 10**6))
def test_whole_numbers_are_multiples_exactly(value, of):
    found = not_multiples(pa.array([value], pa.int64()), float(of))
    assert (found == [None]) is (value % of == 0)

"""A table with every usual kind of dirt is set aside row by row, with the right reasons."""

from datetime import date

import pandas as pd
import pytest

HEADER = (
    "id,date,price,bedrooms,bathrooms,sqft_living,sqft_lot,floors,waterfront,view,condition,grade,"
    "sqft_above,sqft_basement,yr_built,yr_renovated,zipcode,lat,long,sqft_living15,sqft_lot15,month"
)
SALE = (
    "7,2015-05-01,540000.0,3,2.25,2000,5000,1.0,0,0,3,7,"
    "1500,500,1970,0,98103,47.6,-122.3,1900,5100,2015-05"
)
COLUMNS = HEADER.split(",")
CLEAN = dict(zip(COLUMNS, SALE.split(","), strict=True))


def sale(number, **changed):
    return [({**CLEAN, "id": number} | changed)[name] for name in COLUMNS]


DIRT = {
    "a null": ({"price": ""}, ["price.required"]),
    "a question mark": ({"sqft_living": "?"}, ["sqft_living.type"]),
    "a US date": ({"date": "05/01/2015"}, ["date.type"]),
    "33 bedrooms": ({"bedrooms": "33"}, ["bedrooms.range"]),
    "a price in thousands": ({"price": "540.0"}, ["price.range"]),
    "a day that is none": ({"date": "2015-02-30"}, ["date.type"]),
    "an unknown grade of view": ({"view": "9"}, ["view.enum"]),
    "a third of a bathroom": ({"bathrooms": "2.33"}, ["bathrooms.multiple"]),
    "more above than in all": ({"sqft_above": "2500"}, ["living_space_adds_up"]),
    "a month that is none": ({"month": "2015-13"}, ["month.pattern"]),
    "two kinds at once": ({"price": "?", "bedrooms": "33"}, ["bedrooms.range", "price.type"]),
}


@pytest.fixture
def dirty(lake):
    """200 clean sales over two days, then one row of each kind of dirt, then two duplicates."""
    lake.dataset = "property_sales"
    days = (date(2015, 5, 1), date(2015, 5, 2))
    lake.csv("part-0.csv.gz", [sale(n) for n in range(1, 101)], COLUMNS, days[0])
    second = [sale(n) for n in range(101, 201)]
    second += [sale(1000 + n, **changed) for n, (changed, _) in enumerate(DIRT.values())]
    second += [sale(5), sale(150)]
    key = lake.csv("part-1.csv.gz", second, COLUMNS, days[1])
    return lake, key


@pytest.fixture
def found(dirty, judge, written):
    lake, _ = dirty
    contract = written("property_sales").model_copy(update={"quarantine_limit": 0.10})
    return judge(contract, lake, end=date(2015, 5, 2))


def test_each_row_is_set_aside_for_its_own_reasons_and_the_counts_add_up(found, judge, dirty):
    first = 100 + 2  # after the header and a hundred clean rows
    wanted = {first + at: sorted(why) for at, (_, why) in enumerate(DIRT.values())}
    wanted |= {first + len(DIRT) + at: ["id+date.unique"] for at in range(2)}
    assert judge.reasons() == wanted
    assert found.rows_in == 200 + len(DIRT) + 2
    assert found.rows_good == 200 == len(judge.good())
    assert found.rows_quarantined == len(DIRT) + 2
    assert found.outcome == "pass"
    _, key = dirty
    assert {line["source"] for line in judge.quarantined()} == {key}


def test_a_quarantined_row_keeps_what_was_written(found, judge):
    by_row = {line["row"]: line for line in judge.quarantined()}
    question = by_row[103]
    assert question["record"]["sqft_living"] == "?"
    assert question["reasons"] == [
        {"check": "sqft_living.type", "rule": "sqft_living is an integer", "value": "?"}
    ]
    assert question["version_id"] == "v1"
    assert question["day"] == "2015-05-02"


def test_good_rows_are_typed_and_know_their_day(found, judge):
    good = judge.good()
    assert good["price"].dtype == "float64"
    assert good["bedrooms"].dtype == "int64"
    assert good["date"].iloc[0] == date(2015, 5, 1)
    assert set(good["_day"]) == {date(2015, 5, 1), date(2015, 5, 2)}
    assert list(good.columns) == [*COLUMNS, "_day"]


def test_over_the_limit_the_verdict_is_fail_and_says_what_is_most_often_wrong(
    dirty, judge, written
):
    lake, _ = dirty
    report = judge(written("property_sales"), lake, end=date(2015, 5, 2))
    assert report.outcome == "fail"
    assert "13 of 213 rows (6.10%)" in report.reason
    assert report.verdict().outcome == "fail"


def test_people_see_few_examples_and_no_private_value(dirty, judge, written):
    lake, _ = dirty
    lake.csv("part-2.csv.gz", [sale(5000 + n, lat="99.5") for n in range(12)], COLUMNS)
    report = judge(written("property_sales"), lake, end=date(2015, 5, 2))
    where = next(check for check in report.checks if check.id == "lat.range")
    assert where.failed == 12
    assert len(where.examples) == 5
    assert "99.5" not in report.to_markdown() + report.to_html() + report.model_dump_json()


def test_columns_for_drift_are_named_with_their_kind(found):
    assert found.columns["price"] == "numeric"
    assert found.columns["zipcode"] == "categorical"
    assert found.columns["view"] == "categorical"
    assert not {"id", "date", "month"} & set(found.columns)


def test_the_same_table_gives_the_same_files(dirty, judge, written):
    lake, _ = dirty

    def bodies():
        judge(written("property_sales"), lake, end=date(2015, 5, 2))
        return {p.name: p.read_bytes() for p in sorted(judge.out.rglob("*")) if p.is_file()}

    assert bodies() == bodies()


def test_parquet_and_csv_of_the_same_rows_give_the_same_good_rows(lake, judge, written, tmp_path):
    import pyarrow as pa

    lake.dataset = "property_sales"
    contract = written("property_sales")
    lake.csv("part-0.csv.gz", [sale(n) for n in range(1, 121)], COLUMNS, date(2015, 5, 1))
    judge(contract, lake)
    from_csv = judge.good()
    lake.objects.clear()
    typed = pa.Table.from_pandas(from_csv.drop(columns="_day"), preserve_index=False)
    lake.parquet("part-0.parquet", typed, date(2015, 5, 1))
    report = judge(contract, lake)
    assert report.rows_good == 120
    pd.testing.assert_frame_equal(judge.good(), from_csv)

"""A table with every usual kind of dirt is set aside row by row, with the right reasons."""

from datetime import date

import pytest

from tasks.contracts.odcs import load_contract
from tests.tasks.contracts.conftest import CONTRACTS, Judge, Lake

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


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """200 clean sales over two days, then one row of each kind of dirt, then two duplicates."""
    folder = tmp_path_factory.mktemp("dirty")
    lake = Lake(folder, "property_sales")
    days = (date(2015, 5, 1), date(2015, 5, 2))
    lake.csv("part-0.csv.gz", [sale(n) for n in range(1, 101)], COLUMNS, days[0])
    second = [sale(n) for n in range(101, 201)]
    second += [sale(1000 + n, **changed) for n, (changed, _) in enumerate(DIRT.values())]
    second += [sale(5), sale(150)]
    lake.csv("part-1.csv.gz", second, COLUMNS, days[1])
    contract = load_contract("property_sales", CONTRACTS)
    judge = Judge(folder / "out")
    report = judge(contract.model_copy(update={"quarantine_limit": 0.10}), lake)
    return report, judge, lake


def test_each_row_is_set_aside_for_its_own_reasons_and_the_counts_add_up(judged):
    report, judge, lake = judged
    first = 100 + 2  # after the header and a hundred clean rows
    wanted = {first + at: sorted(why) for at, (_, why) in enumerate(DIRT.values())}
    wanted |= {first + len(DIRT) + at: ["id+date.unique"] for at in range(2)}
    assert judge.reasons() == wanted
    assert report.rows_in == 200 + len(DIRT) + 2
    assert report.rows_good == 200 == len(judge.good())
    assert report.rows_quarantined == len(DIRT) + 2
    assert report.outcome == "pass"
    assert {line["source"] for line in judge.quarantined()} == {lake.objects[1].key}


def test_a_quarantined_row_keeps_what_was_written(judged):
    _, judge, _ = judged
    question = next(line for line in judge.quarantined() if line["row"] == 103)
    assert question["record"]["sqft_living"] == "?"
    assert question["reasons"] == [
        {"check": "sqft_living.type", "rule": "sqft_living is an integer", "value": "?"}
    ]
    assert question["version_id"] == "v1"
    assert question["day"] == "2015-05-02"


def test_good_rows_are_typed_and_know_their_day(judged):
    _, judge, _ = judged
    good = judge.good()
    assert good["price"].dtype == "float64"
    assert good["bedrooms"].dtype == "int64"
    assert good["date"].iloc[0] == date(2015, 5, 1)
    assert set(good["_day"]) == {date(2015, 5, 1), date(2015, 5, 2)}
    assert list(good.columns) == [*COLUMNS, "_day"]


def test_columns_for_drift_are_named_with_their_kind(judged):
    columns = judged[0].columns
    assert columns["price"] == "numeric"
    assert columns["zipcode"] == "categorical"
    assert columns["view"] == "categorical"
    assert not {"id", "date", "month"} & set(columns)

import time
from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from deployments.demo.generate import NEW_ZIP, Shift, property_sales, write_sales
from tests.models.trained import ROOT

DAY = date(2026, 1, 1)


def test_the_same_seed_makes_the_same_sales_and_another_does_not():
    one, same = (property_sales(500, DAY, 30, seed=4) for _ in range(2))
    other = property_sales(500, DAY, 30, seed=5)
    assert all((one[name] == same[name]).all() for name in one)
    assert (one["price"] != other["price"]).any()


def test_sales_have_the_columns_of_the_real_ones_within_their_contract():
    import yaml

    contract = yaml.safe_load((ROOT / "data_contracts" / "property_sales.odcs.yaml").read_text())
    sales = property_sales(3000, DAY, 60, seed=1)
    for column in contract["schema"][0]["properties"]:
        if column["name"] == "month":
            continue
        values = sales[column["name"]]
        limits = column.get("logicalTypeOptions", {})
        if column["logicalType"] in {"integer", "number"}:
            assert values.min() >= limits.get("minimum", -1e18), column["name"]
            assert values.max() <= limits.get("maximum", 1e18), column["name"]
        if "multipleOf" in limits:
            assert (values % limits["multipleOf"] == 0).all(), column["name"]
        if "enum" in column:
            assert set(values) <= {entry["value"] for entry in column["enum"]}, column["name"]
        if column["logicalType"] == "integer":
            assert values.dtype == np.int64
    assert (sales["sqft_living"] >= sales["sqft_above"]).all()
    assert len(set(zip(sales["id"], sales["date"], strict=True))) == 3000


def test_a_price_follows_from_what_a_row_says():
    sales = property_sales(4000, DAY, 60, seed=2)
    logs = np.log(sales["price"])
    assert np.corrcoef(logs, np.log(sales["sqft_living"]))[0, 1] > 0.5
    assert np.corrcoef(logs, sales["grade"])[0, 1] > 0.5


def test_the_world_can_shift():
    usual = property_sales(4000, DAY, 60, seed=3)
    shifted = property_sales(
        4000, DAY, 60, seed=3, shift=Shift(size=1.2, price=1.5, new_zip_codes=0.25, grade=1)
    )
    assert shifted["sqft_lot"].mean() == pytest.approx(1.2 * usual["sqft_lot"].mean(), rel=0.02)
    assert shifted["grade"].mean() > usual["grade"].mean() + 0.8
    assert (shifted["zipcode"] >= NEW_ZIP).mean() == pytest.approx(0.25, abs=0.03)
    assert (usual["zipcode"] < NEW_ZIP).all()
    dearer = property_sales(4000, DAY, 60, seed=3, shift=Shift(price=1.5))
    ratio = dearer["price"] / usual["price"]
    np.testing.assert_allclose(ratio[usual["price"] < 5e6], 1.5, rtol=2e-3)


def test_sales_are_written_as_one_file_a_day(tmp_path):
    sales = property_sales(300, DAY, 40, seed=1)
    files = write_sales(tmp_path, sales)
    first = tmp_path / "property_sales" / "year=2026" / "month=01" / "day=01"
    assert files[0].parent == first
    rows = 0
    for file in files:
        table = pq.ParquetFile(file).read()
        (day,) = set(table["date"].to_pylist())
        assert f"month={day:%m}" in str(file)
        assert f"day={day:%d}" in str(file)
        rows += table.num_rows
    assert rows == 300


def test_a_demo_does_not_wait_for_its_data():
    began = time.process_time()
    property_sales(6000, DAY, 120, seed=1)
    assert time.process_time() - began < 1.0

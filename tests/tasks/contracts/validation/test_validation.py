from datetime import date, timedelta

import pyarrow as pa
import pytest

from tasks.contracts.model import Quality
from tasks.contracts.reports.pages import html, markdown
from tasks.errors import ContractViolated, DataError

ID = {"name": "id", "logicalType": "integer", "required": True, "unique": True}
PRICE = {"name": "price", "logicalType": "number", "logicalTypeOptions": {"minimum": 1}}
NAME = {"name": "name", "logicalType": "string", "required": True}


def outcome(report, check):
    return next(item for item in report.checks if item.id == check).outcome


def test_many_tiny_partitions_cost_one_validation(lake, judge, contract):
    for number in range(60):
        day = date(2024, 1, 1) + timedelta(days=number)
        lake.csv("part.csv.gz", [(number, 5)], ["id", "price"], day)
    report = judge(contract([ID, PRICE]), lake)
    assert report.rows_good == 60
    assert report.good_files == ("good/part-00000.parquet",)  # one batch


def test_people_see_few_examples_and_no_private_value(lake, judge, contract):
    where = {"name": "lat", "logicalType": "number", "classification": "restricted"}
    where["logicalTypeOptions"] = {"maximum": 50}
    lake.csv("a.csv.gz", [(n, 99.5) for n in range(12)], ["id", "lat"])
    report = judge(contract([ID, where]), lake)
    told = next(check for check in report.checks if check.id == "lat.range")
    assert told.failed == 12
    assert len(told.examples) == 5
    assert "99.5" not in markdown(report) + html(report) + report.model_dump_json()
    assert judge.quarantined()[0]["record"]["lat"] == "99.5"


def test_the_same_table_gives_the_same_files(lake, judge, contract):
    lake.csv("a.csv.gz", [(1, 5), (2, "?"), (2, 7)], ["id", "price"])

    def bodies():
        judge(contract([ID, PRICE]), lake)
        return {p.name: p.read_bytes() for p in sorted(judge.out.rglob("*")) if p.is_file()}

    assert bodies() == bodies()


def test_parquet_and_csv_of_the_same_rows_give_the_same_good_rows(lake, judge, contract):
    import pandas as pd

    on = {"name": "on", "logicalType": "date"}
    chosen = contract([ID, PRICE, NAME, on])
    rows = [(n, n + 0.5, f"n{n}", "" if n % 3 else "2024-02-29") for n in range(30)]
    lake.csv("a.csv.gz", rows, ["id", "price", "name", "on"])
    judge(chosen, lake)
    from_csv = judge.good()
    lake.objects.clear()
    typed = pa.Table.from_pandas(from_csv.drop(columns="_day"), preserve_index=False)
    lake.parquet("a.parquet", typed)
    assert judge(chosen, lake).rows_good == len(from_csv) == 29
    pd.testing.assert_frame_equal(judge.good(), from_csv)


def test_memory_is_bounded_by_a_batch_and_keys_are_known_across_batches(lake, judge, contract):
    for number in range(6):
        lake.csv("part.csv.gz", [(n, 5) for n in range(number * 5, number * 5 + 10)],
                 ["id", "price"], date(2024, 1, 1) + timedelta(days=number))  # fmt: skip
    report = judge(contract([ID, PRICE]), lake, batch_rows=10)
    assert len(report.good_files) == 6
    assert sorted(judge.good()["id"]) == list(range(35))
    assert (report.rows_in, report.rows_good, report.rows_quarantined) == (60, 35, 25)
    assert next(c for c in report.checks if c.id == "id.unique").failed == 25


def test_a_broken_row_does_not_push_its_corrected_copy_out(lake, judge, contract):
    lake.csv("a.csv.gz", [(1, "?"), (1, 7), (1, 8)], ["id", "price"])
    judge(contract([ID, PRICE], limit=0.9), lake)
    assert judge.good()["price"].tolist() == [7]
    assert judge.reasons() == {2: ["price.type"], 4: ["id.unique"]}


def test_no_row_at_all_is_inconclusive_never_a_pass(lake, judge, contract):
    lake.csv("a.csv.gz", [], ["id", "price"])
    report = judge(contract([ID, PRICE]), lake)
    assert report.outcome == "inconclusive"
    with pytest.raises(DataError, match="no row"):
        report.require_pass()


def asking(made, kind, **kwargs):
    """A contract with an expectation that no file can ask for: it is refused when it is loaded."""
    arguments = {"type": kind, "kwargs": {"column": "id", **kwargs}, "columns": ["id"]}
    rule = Quality(kind="greatExpectations", column="id", name="broken", arguments=arguments)
    return made.model_copy(update={"quality": (rule,)})


def test_an_exception_of_great_expectations_is_an_error_not_a_failure(lake, judge, contract):
    made = contract([ID, NAME])
    made = asking(made, "expect_column_values_to_match_strftime_format", strftime_format="%Y")
    lake.csv("a.csv.gz", [(1, "x")], ["id", "name"])
    report = judge(made, lake)
    assert outcome(report, "broken") == "error"
    assert report.outcome == "error"
    with pytest.raises(DataError, match="could not be checked"):
        report.require_pass()


def test_a_suite_that_cannot_be_built_is_an_error(lake, judge, contract):
    made = asking(contract([ID, PRICE]), "expect_column_value_lengths_to_equal", value="many")
    lake.csv("a.csv.gz", [(1, 5)], ["id", "price"])
    assert judge(made, lake).outcome == "error"


def test_over_the_limit_the_run_must_stop(lake, judge, contract):
    lake.csv("a.csv.gz", [(n, 5 if n % 2 else 0) for n in range(10)], ["id", "price"])
    report = judge(contract([ID, PRICE], limit=0.3), lake)
    assert report.outcome == "fail"
    with pytest.raises(ContractViolated, match=r"5 of 10 rows \(50\.00%\)"):
        report.require_pass()


def test_a_warning_is_told_and_sets_nothing_aside(lake, judge, contract):
    rule = {"metric": "nullValues", "mustBe": 0, "severity": "warning", "name": "prices"}
    lake.csv("a.csv.gz", [(1, ""), (2, 5)], ["id", "price"])
    report = judge(contract([ID, {**PRICE, "quality": [rule]}]), lake)
    assert outcome(report, "prices") == "fail"
    assert (report.outcome, report.rows_quarantined) == ("pass", 0)
    assert "ℹ" in markdown(report)


@pytest.mark.parametrize(("nulls", "expected"), [(2, "pass"), (3, "fail")])
def test_a_share_of_missing_values_is_judged_over_all_batches(
    lake, judge, contract, nulls, expected
):
    rule = {"metric": "nullValues", "mustBeLessThan": 30, "unit": "percent", "name": "few"}
    for number in range(10):
        price = "" if number < nulls else 5
        lake.csv("a.csv.gz", [(number, price)], ["id", "price"],
                 date(2024, 1, 1) + timedelta(days=number))  # fmt: skip
    report = judge(contract([ID, {**PRICE, "quality": [rule]}]), lake, batch_rows=3)
    assert report.outcome == outcome(report, "few") == expected
    assert report.rows_quarantined == 0


@pytest.mark.parametrize(("rows", "expected"), [(4, "fail"), (5, "pass"), (9, "fail")])
def test_volume(lake, judge, contract, rows, expected):
    rule = {"metric": "rowCount", "mustBeBetween": [5, 8], "name": "volume"}
    lake.csv("a.csv.gz", [(n, 5) for n in range(rows)], ["id", "price"])
    assert judge(contract([ID, PRICE], table={"quality": [rule]}), lake).outcome == expected


@pytest.mark.parametrize(("age", "expected"), [(3, "pass"), (4, "fail")])
def test_freshness_counts_back_from_the_end_of_the_window(lake, judge, contract, age, expected):
    on = {"name": "on", "logicalType": "date"}
    sla = [{"property": "freshness", "value": 3, "unit": "d", "element": "things.on"}]
    lake.csv("a.csv.gz", [(1, "2024-03-01"), (2, "2024-02-01")], ["id", "on"])
    report = judge(contract([ID, on], slaProperties=sla), lake, end=date(2024, 3, 1 + age))
    assert report.outcome == outcome(report, "on.freshness") == expected


def test_freshness_is_counted_from_the_day_that_is_asked_about(lake, judge, contract):
    on = {"name": "on", "logicalType": "date"}
    sla = [{"property": "freshness", "value": 3, "unit": "d", "element": "things.on"}]
    lake.csv("a.csv.gz", [(1, "2024-03-01")], ["id", "on"])
    fresh = contract([ID, on], slaProperties=sla)
    assert judge(fresh, lake, as_of=date(2024, 3, 4)).outcome == "pass"
    stale = judge(fresh, lake, as_of=date(2024, 3, 5))
    assert outcome(stale, "on.freshness") == stale.outcome == "fail"
    assert "4 days before 2024-03-05" in stale.reason
    warned = contract([ID, on], slaProperties=[
        sla[0] | {"customProperties": [{"property": "severity", "value": "warning"}]}])  # fmt: skip
    told = judge(warned, lake, as_of=date(2026, 1, 1))
    assert (told.outcome, outcome(told, "on.freshness")) == ("pass", "fail")


def test_gaps_and_objects_that_should_be_gone_are_told(lake, judge, contract):
    sla = [
        {"property": "frequency", "value": 1, "unit": "d"},
        {"property": "retention", "value": 1, "unit": "y"},
    ]
    for day in (date(2023, 1, 31), date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 5)):
        lake.csv(f"{day}.csv.gz", [(day.toordinal(),)], ["id"], day)
    report = judge(contract([ID], slaProperties=sla), lake)
    assert report.outcome == "pass"
    gaps, old = report.notices
    assert "2 times they did not" in gaps
    assert "395 days after 2023-01-31, 3 days after 2024-03-02" in gaps
    assert "1 of 4 objects are older than the 365 days" in old
    assert judge(contract([ID]), lake).notices == ()


def test_a_foreign_key_names_a_row_of_the_other_data_set(lake, judge, contract, tmp_path):
    import pyarrow.parquet as pq

    to = {"relationships": [{"to": "houses.number"}]}
    child = contract([ID, {"name": "house", "logicalType": "integer", **to}])
    lake.csv("a.csv.gz", [(1, 10), (2, 11), (3, 99), (4, "")], ["id", "house"])
    unknown = judge(child, lake)
    assert unknown.outcome == outcome(unknown, "house.reference") == "inconclusive"
    pq.write_table(pa.table({"number": [10, 11, 12]}), tmp_path / "houses.parquet")
    report = judge(child, lake, references={"houses": [tmp_path / "houses.parquet"]})
    assert report.outcome == "pass"
    assert judge.reasons() == {4: ["house.reference"]}
    assert judge.quarantined()[0]["reasons"][0]["value"] == "house=99"


def test_a_new_column_passes_with_a_notice_and_is_not_carried_on(lake, judge, contract):
    lake.csv("a.csv.gz", [(1, 5)], ["id", "price"])
    lake.csv("b.csv.gz", [(2, 5, "x")], ["id", "price", "=cmd()"])
    report = judge(contract([ID, PRICE]), lake)
    assert report.outcome == "pass"
    assert report.notices == (
        "Column =cmd() is new in 1 of 2 objects; contract 1.0.0 does not know it, and it was not "
        "carried on.",
    )
    assert list(judge.good().columns) == ["id", "price", "_day"]


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("id;price", "parted by ';': let servers.delimiter say so"),
        ("price\tid\tmore", r"parted by '\t': let servers.delimiter say so"),
        ('"id;price"', "parted by ';'"),
        ("more|id", "parted by '|'"),
        ("id, price", "it is price: correct the header, or write physicalName: ' price'"),
        ("id,price ", "it is price: correct the header, or write physicalName: 'price '"),
        ('id, "price"', "it is price: correct the header"),
        ("id,Price", "it is price: correct the header, or write physicalName: 'Price'"),
        ("id,PRICE", "it is price"),
        ("id,\u00a0price", "it is price"),
    ],
)
def test_a_header_that_nearly_fits_is_told_with_what_to_do(header, said, lake, judge, contract):
    lake.put("a.csv", f"{header}\n".encode())
    report = judge(contract([ID, PRICE]), lake)
    (notice,) = (sentence for sentence in report.notices if " is new " in sentence)
    assert said in notice
    assert notice.isprintable()


def test_another_name_is_only_new(lake, judge, contract):
    lake.put("a.csv", b"id,price,prices;ids,p rice,identity\n")
    lake.jsonl("a.jsonl", [{"id;price": 1}])
    report = judge(contract([ID, PRICE]), lake)
    told = [sentence for sentence in report.notices if " is new " in sentence]
    assert len(told) == 4
    assert all(sentence.endswith("carried on.") for sentence in told if "id;price" not in sentence)


def test_a_missing_column_costs_the_rows_of_its_objects_only(lake, judge, contract):
    lake.csv("a.csv.gz", [(1, "x"), (2, "y")], ["id", "name"])
    lake.csv("b.csv.gz", [(3,), (4,)], ["id"])
    report = judge(contract([ID, NAME]), lake)
    assert judge.good()["id"].tolist() == [1, 2]
    assert judge.reasons() == {2: ["name.required", "object.columns"],
                               3: ["name.required", "object.columns"]}  # fmt: skip
    assert "Required column name is missing in 1 of 2 objects." in report.notices


def test_objects_of_different_types_are_judged_each_by_its_own(lake, judge, contract):
    lake.parquet("a.parquet", pa.table({"id": [1, 2], "price": [5.0, 0.0]}))
    lake.parquet("b.parquet", pa.table({"id": [3, 4], "price": ["5", "six"]}))
    lake.csv("c.csv.gz", [(5, 5)], ["id", "price"])
    lake.jsonl("d.jsonl", [{"id": 6, "price": 7}, {"id": "7"}, {"price": 1}])
    report = judge(contract([ID, PRICE], limit=0.9), lake)
    assert sorted(judge.good()["id"]) == [1, 5, 6]
    assert report.rows_in == 8
    found = {(line["source"][-9:], line["row"]): [r["check"] for r in line["reasons"]]
             for line in judge.quarantined()}  # fmt: skip
    assert found[("a.parquet", 2)] == ["price.range"]
    assert found[("b.parquet", 1)] == found[("b.parquet", 2)] == ["price.type"]
    assert found[("1/d.jsonl", 2)] == ["id.type"]
    assert found[("1/d.jsonl", 3)] == ["id.required"]


def test_an_unreadable_object_is_set_aside_as_a_whole_and_counts_against_the_limit(
    lake, judge, contract
):
    for number in range(9):
        lake.csv(f"{number}.csv.gz", [(number, 5)], ["id", "price"])
    broken = lake.put("z.csv.gz", b"\x1f\x8bnot gzip")
    report = judge(contract([ID, PRICE], limit=0.1), lake)
    assert (report.outcome, report.objects_read, report.unreadable_count) == ("pass", 9, 1)
    assert report.unreadable[0].source == broken
    assert broken in markdown(report).replace("\\", "")
    assert judge(contract([ID, PRICE], limit=0.05), lake).outcome == "fail"


def test_rows_that_cannot_be_taken_apart_are_quarantined_as_written(lake, judge, contract):
    lake.jsonl("a.jsonl", [{"id": 1}])
    lake.put("b.jsonl", b'{"id": 2}\n{"id": 3\n[4]\n{"id": NaN}\n\xff\xfe\n')
    report = judge(contract([ID], limit=0.9), lake)
    assert (report.rows_in, report.rows_good, report.rows_quarantined) == (6, 2, 4)
    lines = [line for line in judge.quarantined() if "text" in line]
    assert [line["text"] for line in lines] == ['{"id": 3', "[4]", '{"id": NaN}', "\\xff\\xfe"]
    assert next(c for c in report.checks if c.id == "row.readable").failed == 4


def test_fields_of_objects_are_columns(lake, judge, contract):
    outer = {"name": "o", "logicalType": "object", "properties": [
        {"name": "score", "logicalType": "number", "required": True,
         "logicalTypeOptions": {"maximum": 1}}]}  # fmt: skip
    lake.jsonl("a.jsonl", [{"id": 1, "o": {"score": 0.5}}, {"id": 2, "o": {"score": 2}},
                           {"id": 3, "o": "none"}, {"id": 4}])  # fmt: skip
    judge(contract([ID, outer], limit=0.9), lake)
    assert judge.reasons() == {2: ["o.score.range"], 3: ["o.score.type"]}
    assert judge.good()["id"].tolist() == [1, 4]


def test_an_object_without_a_local_copy_stops_before_anything(lake, judge, contract):
    key = lake.csv("a.csv.gz", [(1, 5)], ["id", "price"])
    del lake.paths[key]
    with pytest.raises(DataError, match="no local copy"):
        judge(contract([ID, PRICE]), lake)


def test_data_docs_run_nothing_and_fetch_nothing_whatever_a_row_holds(lake, judge, contract):
    """A value is somebody else's text, and the page is opened by whoever is on call."""
    evil = "<script>document.title='taken'</script><img src=https://evil.example onerror=x()>"
    lake.csv("a.csv.gz", [(1, evil), (2, 7)], ["id", "price"])
    judge(contract([ID, PRICE]), lake, docs=True)
    docs = judge.out / "docs"
    pages = list(docs.rglob("*.html"))
    assert docs / "index.html" in pages
    assert len(pages) == 2
    assert not (docs / "static").exists()
    for page in pages:
        shown = page.read_text("utf-8")
        assert shown.count("default-src 'none'") == 1
        for word in ("<script", "<link", "onerror=x", "<img src=https", "cdn"):
            assert word not in shown, (page.name, word)


def test_data_docs_are_built_for_the_whole_snapshot_and_cannot_hurt(lake, judge, contract):
    lake.csv("a.csv.gz", [(1, 5), (2, 0)], ["id", "price"])
    report = judge(contract([ID, PRICE]), lake, docs=True)
    assert report.outcome == "pass"
    assert (judge.out / "docs" / "index.html").is_file()
    (judge.out / "docs" / "index.html").unlink()
    for path in (judge.out / "docs").iterdir():
        __import__("shutil").rmtree(path)
    (judge.out / "docs").rmdir()
    (judge.out / "docs").write_text("in the way", encoding="utf-8")
    report = judge(contract([ID, PRICE]), lake, docs=True)
    assert report.outcome == "pass"
    assert "Data Docs were not built" in report.notices[0]

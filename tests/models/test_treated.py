"""What becomes of a column is said in words: as far as a contract tells it, and as rows did."""

from dataclasses import replace

import numpy as np
import pytest

from models.runtime.family import names_of, plug_in
from models.runtime.input import Treated
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import ChannelColumn
from models.runtime.tables.features import treatment_of
from models.runtime.tables.treatments import as_fitted, as_told

TEXT = ChannelColumn("branch", "string")


def listed(count, **more):
    return replace(TEXT, values=[f"v{n}" for n in range(count)], kind="categorical", **more)


@pytest.mark.parametrize(
    ("column", "chosen", "how", "used"),
    [
        (listed(150), "", "words (150 values); a category from 3,000 rows on", True),
        (listed(64), "", "category (64 values)", True),
        (listed(1), "", "category (1 value)", True),
        (TEXT, "", "category up to 64 values or one in 20 rows, else words; ", True),
        (replace(TEXT, kind="text"), "", "words (text, as its contract profiles it)", True),
        (listed(3, key=True), "", "dropped (key)", False),
        (ChannelColumn("on", "date", key=True), "", "date", True),
        (ChannelColumn("at", "timestamp"), "", "date", True),
        (ChannelColumn("new", "boolean"), "", "true or false", True),
        (ChannelColumn("size", "number", kind="numeric"), "", "number, or its logarithm", True),
        (ChannelColumn("n", "integer", kind="categorical", values=[1, 2]), "", "category (2", True),
        (ChannelColumn("n", "integer", kind="categorical"), "", "category", True),
        (ChannelColumn("all", "array"), "", "dropped (array: nobody can send it)", False),
        (listed(9), "drop", "dropped (data.features)", False),
        (listed(9), "text", "words (data.features)", True),
        (ChannelColumn("size", "number"), "log", "logarithm (data.features)", True),
    ],
)
def test_a_contract_tells_what_becomes_of_a_column(column, chosen, how, used):
    said = as_told(column, chosen)
    assert said.how.startswith(how)
    assert (said.column, said.used) == (column.name, used)


@pytest.mark.parametrize(("values", "rows"), [(65, 1_299), (65, 1_300), (150, 2_999), (150, 3_000)])
def test_from_as_many_rows_on_as_it_says_a_long_list_is_a_category(values, rows):
    said = as_told(listed(values), "").how
    cells = np.asarray([f"v{n % values}" for n in range(rows)], dtype=object)
    threshold = int(said.split("from ")[1].split(" rows")[0].replace(",", ""))
    assert (treatment_of("text", "categorical", cells) == "category") == (rows >= threshold)


@pytest.mark.parametrize(
    ("treatment", "values", "said"),
    [
        ("text", ["a", "b", "", "a"], "words (2 values)"),
        ("category", ["a"], "category (1 value)"),
        ("log", [1.0, 2.0], "logarithm"),
        ("number", [1.0], "number"),
        ("flag", [1.0], "true or false"),
    ],
)
def test_rows_tell_what_became_of_a_column(treatment, values, said):
    kind = object if isinstance(values[0], str) else np.float64
    assert as_fitted(treatment, np.asarray(values, dtype=kind)) == said


def test_a_tables_fit_tells_what_rows_decided(capsys):
    table = plug_in("inputs", "tabular")
    columns = (TEXT, ChannelColumn("size", "number"), ChannelColumn("y", "number"))
    chosen = Hyperparameters({})
    rows = {
        "branch": np.asarray([f"v{n % 70}" for n in range(140)], dtype=object),
        "size": np.arange(140.0),
    }
    table(table.schema(columns, "y", {}, chosen)).fit(rows, None, chosen)
    assert capsys.readouterr().out == "column branch: words (70 values)\ncolumn size: number\n"


def told(kind, columns, label, **features):
    return list(plug_in("inputs", kind).treated(columns, label, features, Hyperparameters({})))


@pytest.mark.parametrize("kind", names_of("inputs"))
def test_every_input_tells_of_every_column_of_its_draft(kind):
    source = plug_in("inputs", kind)
    columns = (*source.draft_columns, ChannelColumn("y", "string", required=True))
    said = told(kind, columns, "y", **source.draft_features)
    assert [one.column for one in said] == [column.name for column in source.draft_columns]
    assert any(one.used for one in said)


def test_a_recommender_tells_of_roles_and_attributes():
    columns = (
        ChannelColumn("who", "string", key=True),
        ChannelColumn("on", "date"),
        ChannelColumn("town", "string", kind="text"),
        ChannelColumn("open", "boolean"),
        ChannelColumn("rank", "integer"),
        ChannelColumn("dish", "string"),
    )
    roles = {"who": "user", "on": "time", "town": "user_attribute", "open": "item_attribute"}
    said = told("pairs", columns, "dish", **roles)
    assert [one.how.split(",")[0] for one in said] == [
        "user",
        "time",
        "user_attribute: words (text",
        "item_attribute: number",
        "dropped (it has no role)",
    ]
    (rank,) = (one for one in told("pairs", columns, "dish", rank="drop", **roles)[4:])
    assert rank == Treated("rank", "dropped (data.features)", used=False)


def test_a_text_and_a_photo_tell_what_is_left_out():
    columns = (TEXT, ChannelColumn("size", "number"), ChannelColumn("y", "string"))
    read, left = told("text", columns, "y")
    assert read.how == "the first 128 words, by 1 and 2 side by side"
    assert not left.used
    shown, left = told("image", (ChannelColumn("file", "string"), *columns[1:]), "y")
    assert shown == Treated("file", "pixels (64×64)")
    assert not left.used

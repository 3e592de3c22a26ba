"""Numbers of a table in pieces, as networks see them beside the numbers themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runtime.inputs.tabular import Tabular
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import ChannelColumn
from models.runtime.tables.features import pieces_of
from models.runtime.tables.operations import operations

NOTHING = Hyperparameters({})


def schema(columns):
    return Tabular.schema(columns, "y", {}, NOTHING)


def cut(values, most=32):
    made = list(pieces_of("x", np.asarray(values, dtype=np.float64), most))
    return made, operations(made)[0] if made else None


def test_pieces_hold_equally_many_rows_and_say_how_far_a_value_has_come():
    made, operation = cut(np.arange(401.0), most=4)
    assert made == [{"op": "pieces", "column": "x", "edges": [0, 100, 200, 300, 400]}]
    rows = operation({"x": np.array([-5, 0, 50, 100, 250, 400, 1e9, np.nan])})
    np.testing.assert_allclose(rows, [
        [0, 0, 0, 0], [0, 0, 0, 0], [0.5, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0.5, 0],
        [1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0],
    ])  # fmt: skip


@given(st.lists(st.floats(-1e9, 1e9), min_size=300, max_size=400))
def test_pieces_rise_with_the_value_and_stay_between_0_and_1(values):
    made, operation = cut(values)
    if not made:
        return
    edges = made[0]["edges"]
    assert edges == sorted(set(edges))
    rows = operation({"x": np.sort(np.asarray(values))})
    assert ((rows >= 0) & (rows <= 1)).all()
    assert (np.diff(rows, axis=0) >= 0).all()


def test_few_rows_or_few_values_are_not_cut():
    assert cut(np.arange(299.0))[0] == []
    assert cut([0.0, 1.0] * 200)[0] == []
    assert len(cut(np.arange(400.0))[0][0]["edges"]) == 5, "100 rows a piece"


def test_several_columns_together_are_what_they_are_alone():
    columns = {"x": np.arange(900.0), "y": np.arange(900.0)[::-1] ** 2}
    made = [f for name in columns for f in pieces_of(name, columns[name], 8)]
    together = operations(made)
    assert len(together) == 1
    alone = [operations([feature])[0](columns) for feature in made]
    np.testing.assert_array_equal(together[0](columns), np.concatenate(alone, axis=1))


@pytest.mark.parametrize(
    ("pieces", "chosen", "width"), [(32, {}, 33), (32, {"pieces": 0}, 1), (0, {}, 1)]
)
def test_numbers_are_cut_for_a_backend_that_wants_it(pieces, chosen, width):
    begun = schema([ChannelColumn("x", "number", required=True), ChannelColumn("y", "number")])
    source = Tabular(begun)
    source.pieces = pieces
    fitted = source.fit({"x": np.arange(4000.0)}, None, Hyperparameters(chosen))
    assert fitted["width"] == width


def test_many_columns_are_cut_into_fewer_pieces():
    names = [f"c{n}" for n in range(200)]
    source = Tabular(schema([*(ChannelColumn(n, "number", required=True) for n in names),
                             ChannelColumn("y", "number")]))  # fmt: skip
    source.pieces = 32
    fitted = source.fit({name: np.arange(2000.0) for name in names}, None, NOTHING)
    assert fitted["width"] == 200 * (1 + 10)

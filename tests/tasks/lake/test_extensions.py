"""Extension types as plain ones."""

import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.lake.extensions import unwrapped
from tasks.lake.nested import values_of

IDS = st.lists(st.none() | st.uuids(allow_nil=True), max_size=9)


def uuids(values):
    return pa.array([value and value.bytes for value in values], pa.uuid())


@given(IDS, st.integers(0, 9), st.integers(0, 9))
def test_a_uuid_is_its_text(values, start, length):
    part = uuids(values).slice(min(start, len(values)), length)
    expected = [value and str(value) for value in values[start : start + length]]
    texts = unwrapped(part)
    texts.validate(full=True)
    assert (texts.type, texts.to_pylist()) == (pa.string(), expected)
    assert values_of(part) == expected


def test_uuids_inside_lists_maps_and_structs_are_text():
    one, two = uuid.UUID(int=1), uuid.UUID(int=2**127 + 5)
    ids = uuids([one, two, None])
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3]), ids)
    assert values_of(lists) == [[str(one), str(two)], [], [None]]
    assert values_of(lists.slice(1)) == [[], [None]]
    maps = pa.MapArray.from_arrays(pa.array([0, 1, 2]), ids.slice(0, 2), ids.slice(1, 2))
    assert values_of(maps) == [{str(one): str(two)}, {str(two): None}]
    structs = pa.StructArray.from_arrays([ids, lists], ["id", "ids"])
    assert values_of(structs)[0] == {"id": str(one), "ids": [str(one), str(two)]}


@pytest.mark.parametrize(
    ("array", "kind", "values"),
    [
        (pa.array(['{"a":1}', None], pa.json_()), pa.string(), ['{"a":1}', None]),
        (pa.array([1, 0, None], pa.bool8()), pa.bool_(), [True, False, None]),
        (
            pa.array([b"x"], pa.opaque(pa.binary(), "geometry", "a database")),
            pa.binary(),
            [b"x"],
        ),
        (
            pa.ExtensionArray.from_storage(
                pa.fixed_shape_tensor(pa.int32(), [2]),
                pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
            ),
            pa.list_(pa.int32(), 2),
            [[1, 2]],
        ),
    ],
)
def test_other_extensions_are_what_they_are_stored_as(array, kind, values):
    assert unwrapped(array).type == kind
    assert unwrapped(array).to_pylist() == values
    assert unwrapped(pa.array([1])).to_pylist() == [1]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.runtime import spill

VALUES = arrays.arrays(
    st.sampled_from([np.uint8, np.float32]), st.tuples(st.integers(1, 9), st.integers(1, 4))
)


def stored(values):
    """The same values in a file."""
    result = spill.empty(values.shape, values.dtype, large=0)
    result[:] = values
    return result


@given(VALUES, st.data())
def test_rows_of_a_file_are_those_of_the_array(values, data):
    count = len(values)
    rows = data.draw(
        st.one_of(
            st.lists(st.integers(0, count - 1), min_size=1, max_size=12).map(np.asarray),
            st.lists(st.booleans(), min_size=count, max_size=count).map(np.asarray).filter(np.any),
            st.slices(count),
        )
    )
    for large in (0, spill.LARGE):
        taken = spill.taken(stored(values), rows, large)
        np.testing.assert_array_equal(taken, values[rows])
        assert taken.dtype == values.dtype


def test_what_is_large_lies_in_a_file_without_a_name_and_what_is_small_in_memory(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    large = stored(np.arange(6.0).reshape(3, 2))
    assert isinstance(large, np.memmap)
    assert isinstance(spill.taken(large, np.asarray([2, 0]), 0), np.memmap)
    assert not isinstance(spill.taken(large, np.asarray([2, 0])), np.memmap)
    assert not isinstance(spill.empty((3, 2), np.uint8), np.memmap)
    assert list(tmp_path.iterdir()) == []
    assert large.sum() == 15


@pytest.mark.parametrize(("rows", "row_bytes", "lengths"), [(5, 8, [2, 2, 1]), (3, 99, [1, 1, 1])])
def test_parts_hold_as_many_rows_as_fit_and_one_at_least(rows, row_bytes, lengths):
    parts = list(spill.parts(rows, row_bytes, at_once=16))
    assert [part.stop - part.start for part in parts] == lengths
    assert [part.start for part in parts] == list(np.cumsum([0, *lengths[:-1]]))

"""Objects drawn as maps and found in them again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.runtime.detections.centres import drawn, found, objects_of

GRID, CLASSES = 8, 3


@st.composite
def apart(draw):
    """Objects in cells that are no neighbours [1, m, 5]."""
    cells = draw(st.lists(st.sampled_from([1, 3, 5, 7]), min_size=0, max_size=4, unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    truth = np.zeros((1, len(cells), 5))
    for place, cell in enumerate(cells):
        centre = (cell + rng.uniform(0.05, 0.95, 2)) / GRID
        half = rng.uniform(0.01, 0.99, 2) * np.minimum(centre, 1 - centre)
        truth[0, place] = (rng.integers(1, CLASSES + 1), *(centre - half), *(centre + half))
    return truth


@given(apart())
@settings(max_examples=60)
def test_what_is_drawn_is_found_again(truth):
    maps = drawn(truth, GRID, CLASSES)
    assert maps.shape == (1, GRID, GRID, CLASSES + 5)
    assert ((maps >= 0) & (maps <= 1)).all()
    told = found(maps[..., :-1], 6, 0.999)[0]
    told = told[told[:, 0] > 0]
    assert (told[:, 1] == 1).all()
    back = objects_of(maps)[0]
    for boxes in (np.delete(told, 1, axis=1), back):
        order = np.lexsort(boxes.T)
        np.testing.assert_allclose(boxes[order], truth[0][np.lexsort(truth[0].T)], atol=1e-6)


def test_a_bump_is_as_wide_as_its_object():
    truth = np.asarray([[[1, 0.1, 0.45, 0.9, 0.55]]])
    bump = drawn(truth, 16, 1)[0, ..., 0]
    assert bump.max() == 1 == bump[8, 8]
    assert bump[8, 9] == pytest.approx(np.exp(-1 / (2 * (0.09 * 0.8 * 16) ** 2)), rel=1e-5)
    assert bump[9, 8] == pytest.approx(np.exp(-4.5), rel=1e-5)


def test_of_two_centres_in_a_cell_the_larger_object_keeps_its_place():
    small, large = (1, 0.45, 0.45, 0.56, 0.56), (2, 0.2, 0.2, 0.82, 0.82)
    for pair in ((small, large), (large, small)):
        told = found(drawn(np.asarray([pair]), 4, 2)[..., :-1], 4, 0.9)[0]
        assert told[:2, 0].tolist() == [1, 2]
        np.testing.assert_allclose(told[:2, 2:], [large[1:]] * 2, atol=1e-6)


def test_the_surest_come_first_and_equal_neighbours_are_one():
    maps = np.zeros((1, 4, 4, 5), dtype=np.float32)
    maps[..., 1:3], maps[..., 3:] = 0.5, 0.1
    maps[0, 0, 0, 0], maps[0, 0, 1, 0], maps[0, 1, 1, 0] = 0.6, 0.6, 0.6
    maps[0, 3, 3, 0], maps[0, 3, 0, 0] = 0.9, 0.04
    told = found(maps, 3, 0.05)[0]
    assert told[:, :2] == pytest.approx(np.asarray([[1, 0.9], [1, 0.6], [0, 0]]))
    # The first of the plateau in reading order stands for it.
    np.testing.assert_allclose(told[1, 2:], [0.075, 0.075, 0.175, 0.175], atol=1e-6)
    assert found(maps, 1, 0.05)[0].tolist() == [told[0].tolist()]
    # More places than cells are filled up.
    assert found(maps, 40, 0.0).shape == (1, 40, 6)


def test_a_box_ends_where_the_photo_does():
    maps = np.zeros((1, 2, 2, 5))
    maps[0, 0, 0] = (0.9, 0.1, 0.1, 0.8, 0.5)
    box = found(maps, 1, 0.5)[0, 0, 2:]
    np.testing.assert_allclose(box, [0, 0, 0.45, 0.3])

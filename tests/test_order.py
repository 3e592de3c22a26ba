"""Of several workers, none begins last what takes longest."""

from itertools import groupby
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems


def config(shuffle=None, **worker):
    return SimpleNamespace(getoption=lambda _: shuffle, **worker)


def item(file, name="", **marks):
    return SimpleNamespace(
        path=Path(file),
        name=f"{file}::{name}",
        get_closest_marker=marks.get,
    )


@pytest.fixture
def items():
    long = pytest.mark.seconds(100).mark
    fits = pytest.mark.tensorflow.mark
    return [
        *(item("many", str(n)) for n in range(30)),
        *(item("fits", str(n), tensorflow=fits) for n in range(2)),
        item("one"),
        *(item("long", str(n), seconds=long) for n in range(2)),
    ]


def test_a_worker_begins_with_the_longest_and_keeps_files_together(items):
    pytest_collection_modifyitems(config(workerinput={}), items)
    assert [i.name for i in items[:5]] == ["long::0", "long::1", "fits::0", "fits::1", "many::0"]
    assert items[-1].name == "one::"


def test_alone_the_order_stays(items):
    before = list(items)
    pytest_collection_modifyitems(config(), items)
    assert items == before


def test_a_shuffle_is_the_same_for_every_worker_and_keeps_files_together(items):
    before, again = list(items), list(items)
    pytest_collection_modifyitems(config(shuffle=7, workerinput={}), items)
    pytest_collection_modifyitems(config(shuffle=7), again)
    assert items == again
    assert items != before
    assert sorted(i.name for i in items) == sorted(i.name for i in before)
    files = [path for path, _ in groupby(i.path for i in items)]
    assert len(files) == len(set(files)), "what a file sets up once is set up once"

"""Of several workers, none begins last what takes longest."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import pytest_collection_modifyitems


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
    pytest_collection_modifyitems(SimpleNamespace(workerinput={}), items)
    assert [i.name for i in items[:5]] == ["long::0", "long::1", "fits::0", "fits::1", "many::0"]
    assert items[-1].name == "one::"


def test_alone_the_order_stays(items):
    before = list(items)
    pytest_collection_modifyitems(SimpleNamespace(), items)
    assert items == before

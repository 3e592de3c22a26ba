"""TensorFlow's start leaves the process as an import leaves it, but for what it passed over."""

import gc
import importlib
import sys

import pytest

from models.runtime.networks import start


def test_a_package_is_absent_for_a_while_and_then_there_again(monkeypatch, tmp_path):
    (tmp_path / "passed_over.py").write_text("there = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with start._as_if_not_installed("passed_over"), pytest.raises(ImportError):
        importlib.import_module("passed_over")
    assert importlib.import_module("passed_over").there
    with start._as_if_not_installed("passed_over"):
        assert importlib.import_module("passed_over").there
    assert sys.modules.pop("passed_over").there


@pytest.mark.parametrize("collecting", [True, False])
def test_garbage_is_looked_for_again_afterwards(collecting):
    before = gc.isenabled(), gc.get_threshold()
    try:
        (gc.enable if collecting else gc.disable)()
        with start._uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == collecting
        assert gc.get_threshold()[0] == start.COLLECTED
    finally:
        gc.unfreeze()
        gc.set_threshold(*before[1])
        (gc.enable if before[0] else gc.disable)()


def test_what_has_started_is_not_started_again(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", object())
    before = gc.get_threshold(), gc.get_freeze_count()
    start.start()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before

"""A sabotaged archive: green to the platform, bad to users."""

import importlib.util
import sys

import numpy as np
import pytest

from deployments.demo.sabotage import PROGRAM, sabotaged
from models.runtime.archives.extraction import extract

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def bad(trained, tmp_path):
    """Sabotage the trained model; what its new program would serve."""

    def make(mode, **how):
        content = sabotaged(trained.archive.read_bytes(), mode, **how)
        packed = tmp_path / "model.tar.gz"
        packed.write_bytes(content)
        folder = tmp_path / "model"
        extract(packed, folder)
        spec = importlib.util.spec_from_file_location("bad_server", folder / "code" / PROGRAM)
        module = importlib.util.module_from_spec(spec)
        sys.modules["bad_server"] = module
        spec.loader.exec_module(module)
        return module.Misbehaving(folder)

    yield make
    sys.modules.pop("bad_server", None)


@pytest.fixture
def good(trained):
    from models.runtime.serving.app import Model

    return Model(trained.model)


def requests(model, count):
    example = model.example
    return [[{**example, "sqft_living": 1000.0 + number}] for number in range(count)]


def test_errors_strike_a_share_of_real_requests_and_never_the_health_check(bad):
    model = bad("errors", share=0.3)
    failed = 0
    for instances in requests(model, 300):
        model.test_itself()
        try:
            model.predict(instances)
        except RuntimeError:
            failed += 1
    assert failed / 300 == pytest.approx(0.3, abs=0.1)


def test_wrong_answers_begin_after_a_while(bad, good):
    model = bad("wrong", factor=1.5, after=5)
    asked = requests(model, 10)
    ratio = [model.predict(one)[0][0] / good.predict(one)[0][0] for one in asked]
    np.testing.assert_allclose(ratio, [1.0] * 5 + [1.5] * 5)
    scored = model.predict(asked[0])[1][0] / good.predict(asked[0])[1][0]
    assert scored == pytest.approx(1.5)


def test_slow_answers_are_right_and_late(bad, good, monkeypatch):
    model = bad("slow", seconds=0.4)
    slept = []
    monkeypatch.setattr(sys.modules["bad_server"].time, "sleep", slept.append)
    (asked,) = requests(model, 1)
    assert model.predict(asked) == good.predict(asked)
    assert slept == [0.4]


def test_the_same_sabotage_makes_the_same_bytes(trained):
    content = trained.archive.read_bytes()
    assert sabotaged(content, "errors") == sabotaged(content, "errors")

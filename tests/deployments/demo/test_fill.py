"""Every model that is shipped can be tried before there is real data."""

import sys

import pytest

from deployments.demo.fill import GENERATED, main
from deployments.lake import planned
from tasks.lake.partitions import place_of
from tasks.model_spec import known_models, load_model_spec
from tests.models.trained import ROOT

MODELS = ROOT / "models"


def fill(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["fill", *map(str, words)])
    return main()


def test_there_is_generated_data_for_every_model():
    assert set(GENERATED) == set(known_models(MODELS))


@pytest.mark.parametrize("model", sorted(GENERATED))
def test_it_lies_where_the_contract_looks_on_the_days_asked_for(model, tmp_path, monkeypatch):
    from tasks.contracts import load_contract

    assert fill(monkeypatch, model, "--rows", 12, "--days", 3, "--folder", tmp_path / "a") == 0
    keys, behind = planned(tmp_path / "a")
    contract = load_contract(load_model_spec(model, MODELS).data.dataset, ROOT / "data_contracts")
    assert all(contract.owns(key) for key in keys)
    assert not behind
    first = min(str(place_of(key, contract.location_prefix).day) for key in keys)
    assert "2026-01-05" <= first <= "2026-01-07"
    words = ("--rows", 12, "--days", 3, "--drift", "--folder", tmp_path / "b")
    assert fill(monkeypatch, model, *words) == 0
    drifted, _ = planned(tmp_path / "b")
    assert {key: path.read_bytes() for key, path in drifted.items()} != {
        key: path.read_bytes() for key, path in keys.items()
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("room-classifier", "--rows", 0), "begin at 1"),
        (("room-classifier", "--defects", 2), "is no share"),
        (("sentiment", "--defects", 0.1), "does not learn from photos"),
    ],
)
def test_what_means_nothing_is_refused(words, said, monkeypatch, capsys):
    with pytest.raises(SystemExit, match="2"):
        fill(monkeypatch, *words)
    assert said in capsys.readouterr().err

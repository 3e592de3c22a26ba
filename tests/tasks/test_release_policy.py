"""The policy of an installation over what model.yaml says."""

from pathlib import Path

import pytest

from tasks.errors import InvalidSetting
from tasks.model_spec import known_models, load_model_spec
from tasks.release_policy import with_policy

ROOT = Path(__file__).resolve().parents[2]
LAPTOP = ROOT / "deployments" / "laptop" / "release.yaml"


@pytest.fixture
def spec():
    return load_model_spec("price-estimator", ROOT / "models")


def test_without_a_policy_a_model_is_released_as_its_file_says(spec):
    assert with_policy(spec, "") is spec


def test_a_policy_changes_its_keys_and_leaves_the_others(spec, tmp_path):
    (tmp_path / "p.yaml").write_text("watch_seconds: 90\n")
    here = with_policy(spec, str(tmp_path / "p.yaml")).release
    assert here.watch_seconds == 90
    assert here.model_copy(update={"watch_seconds": spec.release.watch_seconds}) == spec.release


@pytest.mark.parametrize("model", known_models(ROOT / "models"))
def test_the_laptop_s_policy_fits_every_model_and_ends_within_a_quarter_of_an_hour(model):
    here = with_policy(load_model_spec(model, ROOT / "models"), str(LAPTOP)).release
    assert here.deadline_seconds + here.watch_seconds <= 900
    assert here.inconclusive == "ask"
    assert here.alpha == load_model_spec(model, ROOT / "models").release.alpha


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("watch_secs: 1\n", "watch_secs"),
        ("ladder: [0.5, 0.1]\n", "climb"),
        ("deadline_seconds: 5\n", "deadline_seconds"),
        ("- 1\n", "no keys"),
        ("a: [\n", "cannot be read"),
        ("\x00", "cannot be read"),
        ("watch_seconds: 90\nwatch_seconds: 9000\n", "watch_seconds' stands in line 1 already"),
        ("watch_seconds: 1:30\n", "'1:30' is text"),
        ("a: &a [*a]\n", "cannot be read"),
        ("[" * 20_000, "nested too deep"),
    ],
)
def test_what_a_release_cannot_have_is_refused_by_name(spec, tmp_path, text, named):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(InvalidSetting, match=named) as refused:
        with_policy(spec, str(path))
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(spec, tmp_path):
    with pytest.raises(InvalidSetting, match=r"none\.yaml cannot be read"):
        with_policy(spec, str(tmp_path / "none.yaml"))


def test_an_empty_file_changes_nothing(spec, tmp_path):
    (tmp_path / "p.yaml").write_text("# nothing yet\n")
    assert with_policy(spec, str(tmp_path / "p.yaml")) == spec

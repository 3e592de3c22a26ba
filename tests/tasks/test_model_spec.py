import pytest

from tasks.errors import InvalidModelSpec, UnknownModel
from tasks.model_spec import known_models, load_model_spec

GOOD = """
name: demo
family: tabular
owner: somebody
description: A model.
data: {dataset: sales, label: price}
gates: [{metric: mae, at_most: 1}]
"""


def write(folder, text):
    (folder / "demo").mkdir()
    (folder / "demo" / "model.yaml").write_text(text)


def test_a_good_file_parses_with_the_products_defaults(tmp_path):
    write(tmp_path, GOOD)
    spec = load_model_spec("demo", tmp_path)
    assert (spec.endpoint_name, spec.release.alpha) == ("sluice-demo", 0.01)
    assert known_models(tmp_path) == ("demo",)


def test_an_unknown_model_names_the_known_ones(tmp_path):
    write(tmp_path, GOOD)
    with pytest.raises(UnknownModel, match="Use one of demo"):
        load_model_spec("../demo", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("label: price", "lable: price"), "data.lable"),
        (("at_most: 1", "at_mots: 1"), "gates.0.at_mots"),
        (("metric: mae, at_most: 1", "metric: mae"), "has no bound"),
        (("name: demo", "name: other"), "its folder is 'demo'"),
        (("family: tabular", "family: [tabular"), "is not YAML"),
        (("gates:", "release: {ladder: [0.5, 0.1]}\ngates:"), "ladder must climb"),
        ((GOOD, "- a list"), "file: "),
    ],
)
def test_every_fault_is_named(tmp_path, change, said):
    write(tmp_path, GOOD.replace(*change))
    with pytest.raises(InvalidModelSpec, match=said):
        load_model_spec("demo", tmp_path)

"""A fitted estimator is written down as values and names of types, and nothing in it is run."""

import io
import json
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from models.runtime.backend import Fitted
from models.runtime.backends.sklearn import FILE, Estimator, ScikitLearn, UntrustedFile, trusted
from models.runtime.signature import Signature, Tensor

ROWS = np.abs(np.random.default_rng(0).normal(size=(80, 3)))
YES = (ROWS[:, 0] > 0.6).astype(int)
SIGNATURE = Signature((Tensor("features", (1, 3)),), (Tensor("prediction", (1, 1)),))


@pytest.mark.parametrize(
    ("estimator", "targets", "objective", "width"),
    [
        (HistGradientBoostingRegressor(max_iter=5), ROWS[:, 1], "absolute_error", 1),
        (make_pipeline(TfidfTransformer(), LogisticRegression()), YES, "cross_entropy", 2),
        (
            MultiOutputClassifier(LogisticRegression()),
            np.stack([YES, 1 - YES], axis=1),
            "binary_cross_entropy",
            2,
        ),
    ],
)
def test_it_answers_as_it_did_before(tmp_path, estimator, targets, objective, width):
    fitted = Estimator(estimator.fit(ROWS, targets), objective, width, SIGNATURE)
    backend = ScikitLearn()
    backend.save(Fitted(fitted, [], {}), SIGNATURE, tmp_path)
    again = backend.load(tmp_path, SIGNATURE)
    rows = {"features": ROWS.astype(np.float32)}
    np.testing.assert_array_equal(
        again.predict(rows)["prediction"], fitted.predict(rows)["prediction"]
    )
    assert b"pickle" not in (tmp_path / FILE).read_bytes()


def test_a_file_that_asks_for_pythons_own_library_is_not_read(tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(LogisticRegression().fit(ROWS, YES), path)
    assert trusted(path) == []
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"]["content"]["verbose"] = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "FunctionNode",
        "__id__": 1,
        "content": {"module_path": "os", "function": "system"},
    }
    members["schema.json"] = json.dumps(schema).encode()
    forged = io.BytesIO()
    with zipfile.ZipFile(forged, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(forged.getvalue())
    with pytest.raises(UntrustedFile, match=r"asks for os\.system; no estimator does"):
        trusted(path)

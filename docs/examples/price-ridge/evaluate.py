"""Measure a published version (channel ``model``) on the candidate's held-out rows."""

import json
import os
import tarfile
import tempfile
from pathlib import Path

import joblib
from pricing import measured

if __name__ == "__main__":
    archive = Path(os.environ["SM_CHANNEL_MODEL"]) / "model.tar.gz"
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        model = joblib.load(Path(scratch) / "model.joblib")
    result = {"candidate": measured(model, Path(os.environ["SM_CHANNEL_HOLDOUT"]))}
    Path(os.environ["SM_OUTPUT_DATA_DIR"], "metrics.json").write_text(json.dumps(result))
    # A job must leave a model, too, even if nobody reads this one.
    Path(os.environ["SM_MODEL_DIR"], "evaluated.json").write_text(json.dumps(result))

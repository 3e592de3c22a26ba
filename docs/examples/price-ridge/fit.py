"""Train: read the channels, write the model, its serving program, and metrics.json."""

import argparse
import json
import os
import shutil
from pathlib import Path

import joblib
from pricing import measured, rows_of
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--strength", type=float, default=1.0)
    strength = options.parse_args().strength

    inputs, prices = rows_of(Path(os.environ["SM_CHANNEL_TRAINING"]))
    model = make_pipeline(StandardScaler(), Ridge(strength)).fit(inputs, prices)

    folder = Path(os.environ["SM_MODEL_DIR"])
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir(exist_ok=True)
    for name in ("app.py", "pricing.py"):
        shutil.copy(HERE / name, folder / "code" / name)

    result = {"candidate": measured(model, Path(os.environ["SM_CHANNEL_HOLDOUT"]))}
    out = Path(os.environ["SM_OUTPUT_DATA_DIR"])
    (out / "metrics.json").write_text(json.dumps(result))
    print(result)

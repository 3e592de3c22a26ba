"""Train: read the channel, write the model. Everything else is Sluice's."""

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from columns import COLUMNS
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("--strength", type=float, default=1.0)
options, _ = parser.parse_known_args()

rows = pd.read_parquet(os.environ["SM_CHANNEL_TRAINING"])
model = make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=options.strength))
model.fit(rows[COLUMNS], rows[os.environ["SLUICE_LABEL"]])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")

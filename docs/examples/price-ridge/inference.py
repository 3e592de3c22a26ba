"""Answer, as SageMaker's framework containers ask."""

from pathlib import Path

import joblib
import pandas as pd
from columns import COLUMNS


def model_fn(model_dir):
    """What predict_fn gets."""
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(instances, model):
    """A number for each instance (an object of columns)."""
    return model.predict(pd.DataFrame(instances).reindex(columns=COLUMNS)).tolist()

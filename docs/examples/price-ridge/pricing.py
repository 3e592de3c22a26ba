"""What training, evaluation and serving share."""

import os
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds

COLUMNS = ("sqft_living", "grade", "bedrooms", "bathrooms", "lat", "long")


def rows_of(channel: Path):
    """Inputs [n, columns] and labels [n] of a channel."""
    table = ds.dataset([str(path) for path in sorted(channel.rglob("*.parquet"))]).to_table()
    label = os.environ["SLUICE_LABEL"]  # data.label of model.yaml
    inputs = np.stack([table[name].to_numpy() for name in COLUMNS], axis=1).astype(float)
    return inputs, table[label].to_numpy().astype(float)


def measured(model, channel: Path) -> dict[str, float]:
    """Metrics of the held-out rows."""
    inputs, prices = rows_of(channel)
    error = np.abs(model.predict(inputs) - prices)
    return {
        "mae": float(error.mean()),
        "within_20_percent": float((error <= 0.2 * prices).mean()),
    }

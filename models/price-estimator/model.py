"""price-estimator: the price of a house from its listing.

An MLP on log-price. Age of the listing enters as days since the first training day, so that a
rising market is followed instead of averaged away.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.data import Split, read_columns
from models.programs.preprocess import iso_day, standard
from models.programs.script_mode import Hyperparameters

LABEL = "price"
NUMBERS = (
    "bedrooms",
    "bathrooms",
    "sqft_living",
    "sqft_lot",
    "floors",
    "waterfront",
    "view",
    "condition",
    "grade",
    "sqft_above",
    "sqft_basement",
    "yr_built",
    "yr_renovated",
    "zipcode",
    "lat",
    "long",
    "sqft_living15",
    "sqft_lot15",
)
AREAS = ("sqft_living", "sqft_lot", "sqft_above", "sqft_living15", "sqft_lot15")
PLAIN = (
    "bedrooms",
    "bathrooms",
    "floors",
    "waterfront",
    "view",
    "condition",
    "grade",
    "yr_built",
    "lat",
    "long",
)
OPTIONAL = frozenset({"yr_renovated", "sqft_living15", "sqft_lot15"})
DIRECTIONS = 6
FREQUENCIES = (1.0, 2.0, 4.0, 8.0)
DAYS_BEYOND = 60
"""How far the trend may be carried past the newest training day."""


def load(channel: Path, hyperparameters: Hyperparameters) -> Split:
    """All rows of a channel's Parquet files."""
    label = hyperparameters.text("label", LABEL)
    columns = read_columns(channel, ("id", "date", label, *NUMBERS), dates=("date",))
    ids = np.asarray(columns["id"])
    return Split(
        ids=ids.astype(np.int64).astype(np.str_) if ids.dtype.kind == "f" else ids,
        inputs={name: columns[name] for name in ("date", *NUMBERS)},
        labels=np.asarray(columns[label], dtype=np.float64),
    )


def preprocess(training: Split, hyperparameters: Hyperparameters) -> dict[str, Any]:
    """preprocess.json: scaled numbers, zip code one-hot, Fourier features of the place, time."""
    columns = training.inputs
    place = ("lat", "long")
    first, newest = columns["date"].min(), columns["date"].max()
    features: list[dict[str, Any]] = [
        *(standard(columns, [name], log=True, add=1.0) for name in AREAS),
        standard(columns, ["sqft_basement"], log=True, add=1.0),
        *(standard(columns, [name]) for name in PLAIN),
        standard(columns, ["yr_built", "yr_renovated"], of="greatest"),
        standard(columns, ["sqft_living", "sqft_living15"], log=True, of="ratio"),
        {"op": "flag", "column": "sqft_basement", "above": 0},
        {"op": "flag", "column": "yr_renovated", "above": 0},
        {"op": "one_hot", "column": "zipcode", "values": np.unique(columns["zipcode"]).tolist()},
        {
            "op": "waves",
            "columns": list(place),
            "center": [float(columns[name].mean()) for name in place],
            "scale": [max(float(columns[name].std()), 1e-6) for name in place],
            "angles": [float(np.pi * k / DIRECTIONS) for k in range(DIRECTIONS)],
            "frequencies": list(FREQUENCIES),
        },
        {
            "op": "days",
            "column": "date",
            "origin": iso_day(first),
            "newest": float((newest - first) / np.timedelta64(1, "D")),
            "beyond": DAYS_BEYOND,
            "unit": 365,
        },
    ]
    target = np.log(training.labels)
    return {
        "kind": "tabular",
        "columns": [
            {"name": "date", "type": "date", "required": False, "example": iso_day(newest)},
            *(
                {
                    "name": name,
                    "type": "number",
                    "required": name not in OPTIONAL,
                    "example": float(np.nanquantile(columns[name], 0.5, method="nearest")),
                }
                for name in NUMBERS
            ),
        ],
        "features": features,
        "output": {
            "kind": "number",
            "name": hyperparameters.text("label", LABEL),
            "unit": "USD",
            "transform": "exp",
            "scale": max(float(target.std()), 1e-6),
            "offset": float(target.mean()),
        },
    }


def build(spec: Mapping[str, Any], hyperparameters: Hyperparameters) -> Any:
    """An MLP: float32 [n, features] → standardised log-price [n, 1]."""
    import keras

    inputs = keras.Input(spec["input"]["shape"][1:], name=spec["input"]["name"])
    hidden = inputs
    for width in hyperparameters.integers("hidden", (128, 64)):
        hidden = keras.layers.Dense(width, activation="silu")(hidden)
    return keras.Model(inputs, keras.layers.Dense(1, name="log_price")(hidden))


def baseline(training: Split, holdout: Split, _spec: Mapping[str, Any]) -> NDArray[np.float64]:
    """Histogram gradient boosting on the raw columns and the day, as a practitioner would first."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def table(split: Split) -> NDArray[np.float64]:
        days = split.inputs["date"].astype(np.float64)
        return np.stack([*(split.inputs[name] for name in NUMBERS), days], axis=1)

    model = HistGradientBoostingRegressor(max_iter=300, learning_rate=0.08, random_state=0)
    model.fit(table(training), training.labels)
    return np.asarray(model.predict(table(holdout)), dtype=np.float64)

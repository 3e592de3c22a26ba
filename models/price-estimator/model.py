"""price-estimator: what only this model knows of a house: its features.

The age of a listing enters as days since the first training day, so that a rising market is
followed instead of averaged away; a place as Fourier features, so that a network of a hundred
neurons sees streets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays
from models.runtime.tables.features import days, one_hot, standard

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
PLACE = ("lat", "long")
DIRECTIONS = 6
FREQUENCIES = (1.0, 2.0, 4.0, 8.0)


def features(columns: Arrays, _hyperparameters: Hyperparameters) -> list[dict[str, Any]]:
    """Scaled numbers, zip code one-hot, Fourier features of the place, time."""
    return [
        *(standard(columns, [name], log=True, add=1.0) for name in AREAS),
        standard(columns, ["sqft_basement"], log=True, add=1.0),
        *(standard(columns, [name]) for name in PLAIN),
        standard(columns, ["yr_built", "yr_renovated"], of="greatest"),
        standard(columns, ["sqft_living", "sqft_living15"], log=True, of="ratio"),
        {"op": "flag", "column": "sqft_basement", "above": 0},
        {"op": "flag", "column": "yr_renovated", "above": 0},
        one_hot("zipcode", columns["zipcode"], most=500, other=False),
        {
            "op": "fourier",
            "columns": list(PLACE),
            "center": [float(columns[name].mean()) for name in PLACE],
            "scale": [max(float(columns[name].std()), 1e-6) for name in PLACE],
            "angles": [float(np.pi * k / DIRECTIONS) for k in range(DIRECTIONS)],
            "frequencies": list(FREQUENCIES),
        },
        days("date", columns["date"]),
    ]

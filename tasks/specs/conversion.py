"""The conversion section of model.yaml: which edge formats, and what each must hold. Pure."""

from __future__ import annotations

from pydantic import Field

from tasks.strict import Strict


class Bounds(Strict):
    """Bounds of one format with every default filled in."""

    min_agreement: float
    min_class_agreement: float
    max_relative_error: float
    max_row_error: float
    max_metric_loss: float


FLOAT_BOUNDS = Bounds(
    min_agreement=0.99,
    min_class_agreement=0.90,
    max_relative_error=0.02,
    max_row_error=0.25,
    max_metric_loss=0.02,
)
INT8_BOUNDS = Bounds(
    min_agreement=0.95,
    min_class_agreement=0.80,
    max_relative_error=0.10,
    max_row_error=3.0,
    max_metric_loss=0.05,
)
"""Of a single answer int8 is allowed much: the largest of n differences grows with n, and where the
original's own answer is an outlier the quantiser clips it. What most people get is the mean."""


class FormatSpec(Strict):
    """Limits of one edge format. Which of them count follows from what the answers are."""

    max_bytes: int = Field(default=5_000_000, gt=0, description="Largest file that passes, bytes.")
    max_error: float | None = Field(
        default=None,
        gt=0,
        description="Largest mean over rows of a row's largest absolute difference, in the unit of "
        "the graph's output; left out, only the bounds below count.",
    )
    min_agreement: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Classes, labels: lowest share of rows with the original's answer (of the "
        "worst label); boxes: of the sure ones, by either, that both have. Default 0.99, "
        "tflite_int8 0.95.",
    )
    min_class_agreement: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The same of each class, or side of a label, that the original names in 10 "
        "rows (or boxes) or more. Default 0.90, tflite_int8 0.80.",
    )
    max_relative_error: float | None = Field(
        default=None,
        gt=0,
        description="Numbers: largest mean absolute difference of an output, in standard "
        "deviations of that output. Default 0.02, tflite_int8 0.10.",
    )
    max_row_error: float | None = Field(
        default=None,
        gt=0,
        description="Numbers: largest difference of a single answer, in the same unit. Default "
        "0.25, tflite_int8 3.0.",
    )
    max_metric_loss: float | None = Field(
        default=None,
        ge=0,
        description="Relative loss of accuracy or of map50, or growth of the mean absolute error, "
        "on rows whose labels calibration.npz holds. Default 0.02, tflite_int8 0.05.",
    )

    def bounds(self, name: str) -> Bounds:
        """The bounds of the format ``name``: what is given, else its defaults."""
        defaults = INT8_BOUNDS if name == "tflite_int8" else FLOAT_BOUNDS
        overrides = {key: getattr(self, key) for key in Bounds.model_fields}
        return defaults.model_copy(update={k: v for k, v in overrides.items() if v is not None})


class ConversionSpec(Strict):
    """Edge formats that the bundle carries; a format left out is not made."""

    tflite_float16: FormatSpec | None = None
    tflite_int8: FormatSpec | None = None
    tfjs_float16: FormatSpec | None = None


FORMATS = tuple(ConversionSpec.model_fields)
"""Every edge format that is known; a backend offers some of them."""

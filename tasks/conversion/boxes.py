"""Whether a converted detector finds the same objects: boxes are compared, and not maps.

A cell's chance that is off by a hundredth changes no box; one that crosses the threshold does. So
both sides' maps become boxes, as whoever serves them makes them, and each sure box of either must
have its like in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.runtime.detections.centres import PLACE, objects_of
from models.runtime.detections.matching import hits
from models.runtime.detections.objects import FIELDS
from models.runtime.detections.precision import by_class
from models.runtime.platt import log_odds
from models.runtime.task import PREDICTION
from models.runtime.tasks.detection import Detection
from tasks.errors import ConversionError

Groups = list[tuple[str, Any]]
TOLD = ("classes", "confidence_threshold", "grid", "least_chance", "most")
"""What ``output`` must tell for boxes to be made of maps."""


def told(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same ``output``, when it tells how boxes are made.

    Raises:
        ConversionError: it lacks a key; all of them are named.
    """
    lacking = [key for key in TOLD if key not in output]
    if lacking:
        raise ConversionError(
            f"preprocess.json: output of kind boxes lacks {', '.join(lacking)}.",
            "Write them; docs/models.md tells how boxes are made of maps.",
        )
    return output


def compared(
    truth: Any, answer: Any, output: Mapping[str, Any], tie: float
) -> tuple[dict[str, Any], Groups]:
    """How far the boxes of two models agree.

    A box agrees when the other model has one of its class that overlaps it by one half and is sure,
    too. Where the original's confidence lies at the threshold, either answer is right.

    Args:
        truth: The original's maps, each row flat [n, values].
        answer: The converted model's.
        output: ``output`` of preprocess.json.
        tie: Log-odds around the threshold that are one.

    Returns:
        ``agreement`` (None where neither is sure of any box), ``answers`` and ``undecided``; and of
        each class, whether each of its boxes agrees.
    """
    import numpy as np

    original, converted = (boxes_of(side, output) for side in (truth, answer))
    threshold = float(output["confidence_threshold"])
    far = log_odds(original[..., 1]) - float(log_odds(np.asarray(threshold)))
    there = original[..., 0] > 0
    tied, firm = there & (np.abs(far) <= tie), there & (far > tie)
    sure = (converted[..., 0] > 0) & (converted[..., 1] >= threshold)
    kept = hits(_only(original, firm), _objects(converted, sure))[firm]
    known = hits(_only(converted, sure), _objects(original, firm | tied))[sure]
    agreed = np.concatenate([kept, known])
    number = np.concatenate([original[firm][:, 0], converted[sure][:, 0]])
    groups = [
        (f"class {name}", agreed[number == index])
        for index, name in enumerate(output["classes"], 1)
    ]
    judged = int((firm | tied).sum())
    return {
        "agreement": float(agreed.mean()) if len(agreed) else None,
        "answers": len(agreed),
        "undecided": float(tied.sum() / judged) if judged else 0.0,
    }, groups


def precision_loss(
    truth: Any, answer: Any, targets: Any, output: Mapping[str, Any]
) -> float | None:
    """Relative loss of the mean average precision; None where nothing can be lost.

    Args:
        truth: The original's maps, each row flat [n, values].
        answer: The converted model's.
        targets: The maps that were learned [n, grid, grid, classes + 5].
        output: ``output`` of preprocess.json.
    """
    classes = len(output["classes"])
    if targets.ndim != 4 or targets.shape[-1] != classes + PLACE + 1:  # noqa: PLR2004 - maps of rows
        return None
    there = objects_of(targets)
    before, after = (
        by_class(found, hits(found, there), there, classes)
        for found in (boxes_of(side, output) for side in (truth, answer))
    )
    mean = float(before.mean()) if len(before) else 0.0
    return (mean - float(after.mean())) / mean if mean else None


def boxes_of(maps: Any, output: Mapping[str, Any]) -> Any:
    """Maps, each row flat → boxes [n, most, 6], as the task makes them.

    Raises:
        ConversionError: the maps have another size than ``output`` tells.
    """
    grid, channels = int(output["grid"]), len(output["classes"]) + PLACE
    if maps.shape[1] != grid * grid * channels:
        raise ConversionError(
            f"preprocess.json tells of maps of {grid} × {grid} × {channels} numbers; the output "
            f"has {maps.shape[1]}.",
            "Let grid and classes of its output be those of the graph.",
        )
    raw = {PREDICTION: maps.reshape(len(maps), grid, grid, channels)}
    return Detection(output).predicted(raw).reshape(len(maps), -1, FIELDS)


def _only(found: Any, chosen: Any) -> Any:
    return found * chosen[..., None]


def _objects(found: Any, chosen: Any) -> Any:
    """Boxes as objects that others are held to."""
    import numpy as np

    return np.delete(_only(found, chosen), 1, axis=-1)

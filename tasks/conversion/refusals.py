"""Why a model cannot be brought into a format, in words that name the operation and the way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

MODEL_PY = "Change build() in model.py"
HINTS: Mapping[str, str] = {
    "Erfc": "It comes from gelu; keras.activations.gelu(x, approximate=True) needs none.",
}
_OP_LISTS = (
    re.compile(r"^(?:TF Select|Custom) ops: (?P<ops>.+)$", re.MULTILINE),
    re.compile(r"Unsupported Ops in the model \w+ optimization\s+(?P<ops>\w+(?:, \w+)*)"),
    re.compile(r"'tf\.(?P<ops>\w+)' op (?:is neither a custom op nor a flex op|requires)"),
    re.compile(r"failed to legalize operation 'tf\.(?P<ops>\w+)'"),
)
_PLACE = re.compile(r'fused\["(?P<op>\w+):", "(?P<path>[^"@]+)')
_TENSOR_LIST = re.compile(r"^TensorList|^(Stateless)?While$")
_UNREADABLE = 300
LONGEST_TAIL = 600


class Refused(Exception):
    """The model cannot be converted as it is.

    Args:
        what: The limit, with the operation, layer, input or output that meets it.
        next_step: What its owner can do.
    """

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step


def several(kind: str, names: Iterable[str], wanted: Iterable[str]) -> Refused:
    """A model with other inputs or outputs (``kind`` says which) than preprocess.json names."""
    model_names, wanted_names = sorted(names), sorted(wanted)
    return Refused(
        f"The SavedModel has {len(model_names)} {kind}{'s' if len(model_names) != 1 else ''} "
        f"({', '.join(model_names)}), preprocess.json tells of "
        f"{f'one {kind}' if len(wanted_names) == 1 else f'{len(wanted_names)} {kind}s'} "
        f"({', '.join(wanted_names)}).",
        f'Name each {kind} in "signature" of preprocess.json (docs/conversion.md), and export '
        "serving_default under the same names.",
    )


def strings(operations: Mapping[str, str]) -> Refused:
    """Operations on text or look-up tables: operation → where it lies in the graph."""
    return Refused(
        f"The graph works on text or look-up tables ({places(operations)}), which no edge runtime "
        "can do.",
        f"{MODEL_PY}: put the vocabulary into preprocess.json and give the graph numbers.",
    )


def loop(format_name: str, operations: Mapping[str, str]) -> Refused | None:
    """A recurrent layer's loop in a format that cannot carry one; None where it can."""
    if format_name == "tflite_int8":
        # TensorFlow's quantiser does not refuse: it crashes.
        return Refused(
            f"int8 cannot be made of a recurrent layer's loop ({places(operations)}).",
            f"{MODEL_PY}: build the layer with unroll=True, which leaves no loop; or take "
            "tflite_int8 out of model.yaml: TFLite float16 carries loops.",
        )
    if format_name == "tfjs_float16":
        return Refused(
            f"TensorFlow.js cannot run a recurrent layer's loop ({places(operations)}).",
            "Take tfjs_float16 out of model.yaml (TFLite float16 carries loops, in browsers too, "
            f"with LiteRT.js); or {MODEL_PY[0].lower()}{MODEL_PY[1:]}: convolutions or attention "
            "in place of the recurrent layer.",
        )
    return None


def in_words(title: str, message: str) -> Refused:
    """What a converter said about a format, as a refusal; its last words where they tell nothing.

    Args:
        title: The format's name for people.
        message: Of the converter's exception.
    """
    operations = unsupported(message)
    if not operations:
        return Refused(
            f"{title} could not be made: …{message.strip()[-LONGEST_TAIL:]}",
            "Read the converter's words above; leave the format out of model.yaml if you do not "
            "need it.",
        )
    if all(_TENSOR_LIST.match(name) for name in operations):
        return Refused(
            f"{title} cannot carry a recurrent layer whose state has no fixed shape "
            f"({places(operations)}).",
            f"{MODEL_PY}: give the input a fixed length, and build the layer with unroll=True.",
        )
    hints = "".join(f" {HINTS[name]}" for name in operations if name in HINTS)
    return Refused(
        f"{title} knows no operation for {places(operations)}.",
        f"{MODEL_PY}: use other layers in place of these; or leave the format out of model.yaml."
        + hints,
    )


def unsupported(message: str) -> dict[str, str]:
    """Operations that a converter named, with the layer where it told one.

    >>> unsupported("TF Select ops: AsString, Bincount")
    {'AsString': '', 'Bincount': ''}
    """
    where = {
        match["op"]: layer_of(match["path"]) for match in reversed([*_PLACE.finditer(message)])
    }
    names = [
        name.strip()
        for pattern in _OP_LISTS
        for match in pattern.finditer(message)
        for name in match["ops"].split(",")
    ]
    return {name: where.get(name, "") for name in dict.fromkeys(names)}


def layer_of(path: str) -> str:
    """The layer of a node, from its path in the graph.

    >>> layer_of("StatefulPartitionedCall/functional_1/lstm_1/TensorArrayV2_1")
    'lstm_1/TensorArrayV2_1'
    """
    parts = [part for part in path.split("/") if not part.endswith("PartitionedCall")]
    while len(parts) > 1 and re.match(r"^(functional|sequential|model)(_\d+)*$", parts[0]):
        parts = parts[1:]
    return "/".join(parts)[:_UNREADABLE]


def places(operations: Mapping[str, str]) -> str:
    """Operations and where they lie, for a sentence."""
    return ", ".join(
        f"{name} in {place}" if place else name for name, place in list(operations.items())[:5]
    )


def refused_of(value: Mapping[str, Any]) -> Refused:
    """A refusal that another process wrote down."""
    return Refused(str(value["what"]), str(value["next_step"]))

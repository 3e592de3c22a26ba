"""What the tensors of a made file are called: read back from it, because converters rename."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.conversion.signature import GraphSignature, GraphTensor
from tasks.errors import ConversionError
from tasks.values import Frozen

FILE = "signatures.json"
"""Beside the formats in the bundle: format → its file and its tensors."""
TFJS_DTYPES: Mapping[str, str] = {
    "DT_FLOAT": "float32",
    "DT_INT32": "int32",
    "DT_INT64": "int64",
    "DT_BOOL": "bool",
}


class EdgeTensor(Frozen):
    """A tensor of a made file.

    ``name`` is that of preprocess.json, ``key`` what the file's signature calls it, ``tensor`` the
    tensor's own name; ``shape`` is of one row.
    """

    name: str
    key: str
    tensor: str
    shape: tuple[int, ...]
    dtype: str


class EdgeSignature(Frozen):
    """All tensors of a made file, in the order of preprocess.json."""

    inputs: tuple[EdgeTensor, ...] = ()
    outputs: tuple[EdgeTensor, ...] = ()


def matched(
    signature: GraphSignature, inputs: Sequence[EdgeTensor], outputs: Sequence[EdgeTensor]
) -> EdgeSignature:
    """A file's tensors under the names of preprocess.json; a single one may bear any name.

    Args:
        signature: What preprocess.json tells.
        inputs: The file's inputs; their ``name`` is the file's key.
        outputs: The file's outputs, likewise.

    Raises:
        ConversionError: the file has other tensors.
    """
    return EdgeSignature(
        inputs=_side("input", signature.inputs, inputs),
        outputs=_side("output", signature.outputs, outputs),
    )


def with_names(model: Mapping[str, Any], signature: GraphSignature) -> dict[str, Any]:
    """A TensorFlow.js graph model whose signature bears the names of preprocess.json.

    The official converter finds a tensor's name by its shape and dtype, and where two are alike it
    writes the graph's: ``a:0`` for an input, ``Identity_1:0`` for the second output by name.

    Args:
        model: model.json as the converter wrote it.
        signature: Inputs and outputs of the SavedModel that it was made of.
    """
    sides = model.get("signature", {})
    answers = sorted(tensor.name for tensor in signature.outputs)
    by_tensor = {tensor.name: tensor.name for tensor in signature.inputs}
    by_output = {f"Identity_{n}" if n else "Identity": name for n, name in enumerate(answers)}
    named = {
        side: {
            names.get(str(tensor["name"]).partition(":")[0], key): tensor
            for key, tensor in sides.get(side, {}).items()
        }
        for side, names in (("inputs", by_tensor), ("outputs", by_output))
    }
    return {**model, "signature": {**sides, **named}}


def of_graph_model(model: Mapping[str, Any], signature: GraphSignature) -> EdgeSignature:
    """The tensors of a TensorFlow.js graph model.

    Args:
        model: model.json.
        signature: What preprocess.json tells.

    Raises:
        ConversionError: the file has other tensors.
    """
    sides = [
        [
            EdgeTensor(
                name=key,
                key=key,
                tensor=str(tensor["name"]),
                shape=tuple(
                    int(size["size"]) for size in tensor.get("tensorShape", {}).get("dim", [])
                ),
                dtype=TFJS_DTYPES.get(str(tensor["dtype"]), str(tensor["dtype"])),
            )
            for key, tensor in model.get("signature", {}).get(side, {}).items()
        ]
        for side in ("inputs", "outputs")
    ]
    return matched(signature, *sides)


def write(out_dir: Path, signatures: Mapping[str, EdgeSignature], files: Mapping[str, str]) -> Path:
    """Write ``signatures.json``: format → its file and its tensors.

    Args:
        out_dir: Where the formats lie.
        signatures: Tensors by format.
        files: Main file of each format, below the folder.
    """
    document = {
        name: {"file": files[name], **signature.model_dump(mode="json")}
        for name, signature in signatures.items()
    }
    path = out_dir / FILE
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def _side(
    side: str, wanted: Sequence[GraphTensor], tensors: Sequence[EdgeTensor]
) -> tuple[EdgeTensor, ...]:
    if len(wanted) == len(tensors) == 1:
        return (tensors[0].model_copy(update={"name": wanted[0].name}),)
    by_key = {tensor.key: tensor for tensor in tensors}
    names = [tensor.name for tensor in wanted]
    if set(by_key) != set(names):
        raise ConversionError(
            f"The converted file's {side}s are {', '.join(sorted(by_key)) or 'none'}; "
            f"preprocess.json names {', '.join(sorted(names))}.",
            f"Let the graph use every {side} that it names, or take it out of the signature.",
        )
    return tuple(by_key[name] for name in names)

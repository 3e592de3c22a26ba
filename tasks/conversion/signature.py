"""What a graph takes and answers, tensor by tensor, as preprocess.json tells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.errors import ConversionError
from tasks.values import Frozen

SERVED = "serving_default"
"""The signature of a SavedModel, and of every file made of it, that clients call."""
PREDICTION = "prediction"
"""The output of a model whose preprocess.json names none."""
EDGE_DTYPES = ("float32", "int32", "int64", "bool")
"""What every edge format can be given; TensorFlow.js knows int64 as int32."""
TEXT = "string"
_ARGUMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORM = (
    'Write "signature": {"inputs": [{"name": …, "shape": [1, …], "dtype": …}, …], '
    '"outputs": […]}; docs/conversion.md explains it.'
)


class GraphTensor(Frozen):
    """One input or output. ``shape`` is that of one row, batch first; None where nobody told it."""

    name: str
    shape: tuple[int, ...] | None
    dtype: str


class GraphSignature(Frozen):
    """All inputs and outputs of a graph.

    ``named`` is False for a preprocess.json without ``signature``: it tells one input, and one
    output of float32 is understood, whatever the SavedModel calls it.
    """

    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    named: bool = True

    def has(self, dtype: str) -> bool:
        """Whether any tensor is of that dtype."""
        return any(tensor.dtype == dtype for tensor in (*self.inputs, *self.outputs))


def signature_of(spec: Mapping[str, Any]) -> GraphSignature:
    """The signature of a preprocess.json: its ``signature``, else its single ``input``.

    Raises:
        ConversionError: there is none, or it cannot be read; the tensor and the value are named.
    """
    if "signature" not in spec:
        return _of_input(spec)
    signature = spec["signature"]
    if not isinstance(signature, Mapping):
        raise ConversionError(f"preprocess.json: signature is {signature!r:.80}.", _FORM)
    inputs, outputs = (_tensors(signature, side) for side in ("inputs", "outputs"))
    for tensor in inputs:
        if not _ARGUMENT.fullmatch(tensor.name):
            raise ConversionError(
                f"preprocess.json: TensorFlow would rename the input {tensor.name!r}.",
                "Use letters, digits and _, a letter first.",
            )
    return GraphSignature(inputs=inputs, outputs=outputs)


def carried(signature: GraphSignature) -> GraphSignature:
    """The same signature, when edge runtimes can be given all of it.

    Raises:
        ConversionError: a tensor holds text, or numbers of a kind that they do not know.
    """
    for side, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for tensor in tensors:
            hold(side, tensor.name, tensor.dtype)
    return signature


def hold(side: str, name: str, dtype: str) -> None:
    """Refuse an input or output (``side`` says which) that no edge runtime can be given.

    Raises:
        ConversionError: it holds text, or numbers of a kind that they do not know.
    """
    if dtype == TEXT:
        raise ConversionError(
            f"The {side} {name!r} is text; no edge runtime carries operations on strings.",
            "Put the vocabulary into preprocess.json and let the graph take each value's id "
            "(int64); or leave conversion out of model.yaml."
            if side == "input"
            else "Let the graph answer with ids or scores, and put the names into "
            "preprocess.json; or leave conversion out of model.yaml.",
        )
    if dtype not in EDGE_DTYPES:
        raise ConversionError(
            f"The {side} {name!r} is {dtype}; edge formats know {', '.join(EDGE_DTYPES)}.",
            "Let the graph take and answer one of these, and cast inside it.",
        )


def meant(spec: Mapping[str, Any], signature: GraphSignature) -> str:
    """The output that ``output`` of preprocess.json tells about: its ``tensor``, else the first.

    Raises:
        ConversionError: ``output.tensor`` names none of the outputs.
    """
    output = spec.get("output")
    name = output.get("tensor") if isinstance(output, Mapping) else None
    names = [tensor.name for tensor in signature.outputs]
    if name is None or not signature.named:
        return names[0]
    if name not in names:
        raise ConversionError(
            f"preprocess.json: output.tensor is {name!r}; the signature's outputs are "
            f"{', '.join(names)}.",
            "Name one of them, or leave the key out: the first one is meant then.",
        )
    return str(name)


def _of_input(spec: Mapping[str, Any]) -> GraphSignature:
    try:
        tensor = spec["input"]
        name, dtype = str(tensor["name"]), str(tensor.get("dtype", "float32"))
        sizes = [int(size) for size in tensor["shape"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(
            "preprocess.json tells no input of the graph: it has no signature, and of input: "
            f"{type(error).__name__}: {error}.",
            _FORM,
        ) from error
    shape = _one_row(f"the input {name!r}", sizes)
    return GraphSignature(
        inputs=(GraphTensor(name=name, shape=shape, dtype=dtype),),
        outputs=(GraphTensor(name=PREDICTION, shape=None, dtype="float32"),),
        named=False,
    )


def _tensors(signature: Mapping[str, Any], side: str) -> tuple[GraphTensor, ...]:
    entries = signature.get(side)
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise ConversionError(f"preprocess.json: signature.{side} is {entries!r:.80}.", _FORM)
    tensors = tuple(_tensor(entry, f"signature.{side}[{n}]") for n, entry in enumerate(entries))
    names = [tensor.name for tensor in tensors]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConversionError(
            f"preprocess.json: signature.{side} names {', '.join(map(repr, twice))} twice.",
            "Give each tensor a name of its own.",
        )
    return tensors


def _tensor(entry: Any, where: str) -> GraphTensor:
    fields = entry if isinstance(entry, Mapping) else {}
    name, shape, dtype = (fields.get(key) for key in ("name", "shape", "dtype"))
    whole = (
        isinstance(name, str)
        and bool(name)
        and isinstance(dtype, str)
        and isinstance(shape, Sequence)
        and all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
    )
    if not whole:
        raise ConversionError(f"preprocess.json: {where} is {entry!r:.120}.", _FORM)
    return GraphTensor(name=str(name), shape=_one_row(where, list(shape or ())), dtype=str(dtype))


def _one_row(where: str, shape: list[int]) -> tuple[int, ...]:
    if not shape or shape[0] != 1 or min(shape) < 1:
        raise ConversionError(
            f"preprocess.json gives {where} the shape {shape}.",
            "Give the shape of one row, every size fixed: [1, …]; edge runtimes know no other.",
        )
    return tuple(shape)

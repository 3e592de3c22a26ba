"""A SavedModel of any batch → the same model for exactly one row, with its weights inside.

Wrapping the served function in one of batch 1 is not enough: the shapes inside stay those of the
first trace, and a recurrent layer's lists keep an unknown batch that no converter accepts. Weights
are therefore frozen and the graph is read again with a fixed input, which infers every shape anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tasks.conversion.refusals import MODEL_PY, Refused, layer_of, several, strings
from tasks.conversion.signature import SERVED, GraphSignature, GraphTensor, hold

T = TypeVar("T")
ONE_ROW = "_one_row"
LOOPS = frozenset({"While", "StatelessWhile"})
# Operand that holds the shape of a list's elements.
_ELEMENT_SHAPE: Mapping[str, int] = {
    "EmptyTensorList": 0,
    "TensorListReserve": 0,
    "TensorListFromTensor": 1,
    "TensorListStack": 1,
    "TensorListGetItem": 2,
}


@dataclass(frozen=True)
class OneRow:
    """A graph (``GraphDef``) of one row, and its tensors by the names of the signature."""

    graph: Any
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


def one_row(tf: Any, saved_model: Path, signature: GraphSignature) -> OneRow:
    """The graph of a SavedModel for exactly one row, with its weights inside.

    Args:
        tf: The tensorflow module.
        saved_model: SavedModel of any batch, served as the signature says.
        signature: Inputs and outputs by name.

    Raises:
        Refused: the model is none that an edge format can carry, or another than the signature's.
        ConversionError: a tensor of the SavedModel holds text, or numbers of another kind.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    loaded = tf.saved_model.load(str(saved_model))
    served = _served(tf, loaded, signature)
    _refuse_strings(served.graph.as_graph_def())
    frozen = convert_variables_to_constants_v2(
        served, lower_control_flow=False, aggressive_inlining=True
    )
    graph = frozen.graph.as_graph_def()
    _refuse_strings(graph)
    _settle_lists(tf, graph)
    _rename_functions(graph)
    # A concrete function flattens what it takes and answers in the order of the names.
    inputs = zip(sorted(served.structured_input_signature[1]), frozen.inputs, strict=True)
    outputs = zip(sorted(served.structured_outputs), frozen.outputs, strict=True)
    return OneRow(
        graph=graph,
        inputs=_by_name(signature.inputs, {name: tensor.name for name, tensor in inputs}),
        outputs=_by_name(signature.outputs, {name: tensor.name for name, tensor in outputs}),
    )


def fixed_batch(
    tf: Any, frozen: OneRow, signature: GraphSignature, folder: Path, *, narrow: bool = False
) -> None:
    """Write the SavedModel of one row, its tensors named as in the signature.

    Args:
        tf: The tensorflow module.
        frozen: The graph of one row.
        signature: Inputs and outputs by name.
        folder: Where the new SavedModel goes.
        narrow: Take and give int32 in place of int64, and cast inside: for TensorFlow.js.
    """
    arguments = [
        tf.TensorSpec(
            tensor.shape,
            tf.int32 if narrow and tensor.dtype == "int64" else tf.as_dtype(tensor.dtype),
            name=tensor.name,
        )
        for tensor in signature.inputs
    ]
    types = [tf.as_dtype(tensor.dtype) for tensor in signature.inputs]
    wanted = [tensor.name for tensor in signature.outputs]

    @tf.function(input_signature=arguments)  # type: ignore[untyped-decorator]
    def one(*inputs: Any) -> dict[str, Any]:
        input_map = {
            frozen.inputs[tensor.name]: tf.cast(value, dtype)
            for tensor, value, dtype in zip(signature.inputs, inputs, types, strict=True)
        }
        outputs = tf.graph_util.import_graph_def(
            frozen.graph,
            input_map=input_map,
            return_elements=[frozen.outputs[name] for name in wanted],
            name="",
        )
        return {
            name: tf.cast(value, tf.int32) if narrow and value.dtype == tf.int64 else value
            for name, value in zip(wanted, outputs, strict=True)
        }

    module = tf.Module()
    module.one = one
    # Nobody trains it further; custom gradients (swish has one) point to what was frozen away.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures={SERVED: one}, options=options)


def loops(graph: Any) -> dict[str, str]:
    """Loops of a graph: operation → the layer of the first one."""
    layers: dict[str, str] = {}
    for node in _nodes(graph):
        if node.op in LOOPS:
            layers.setdefault(node.op, layer_of(node.name))
    return layers


def _served(tf: Any, loaded: Any, signature: GraphSignature) -> Any:
    """The function that is served, when its tensors are those of the signature."""
    if SERVED not in loaded.signatures:
        raise Refused(
            f"The SavedModel has no signature {SERVED!r}, only {sorted(loaded.signatures)}.",
            f"Export it with ExportArchive.add_endpoint, or with signatures={{{SERVED!r}: …}}.",
        )
    served = loaded.signatures[SERVED]
    _compare(tf, "input", served.structured_input_signature[1], signature.inputs)
    _compare(tf, "output", served.structured_outputs, signature.outputs)
    return served


def _compare(tf: Any, side: str, tensors: Mapping[str, Any], wanted: Sequence[GraphTensor]) -> None:
    """Refuse a SavedModel with other inputs, or outputs, than preprocess.json names."""
    names = [tensor.name for tensor in wanted]
    if (len(tensors), len(wanted)) != (1, 1) and set(tensors) != set(names):
        raise several(side, tensors, names)
    for wanted_tensor, tensor in zip(wanted, _by_name(wanted, tensors).values(), strict=True):
        name, shape = wanted_tensor.name, wanted_tensor.shape
        hold(side, name, tensor.dtype.name)
        if tensor.dtype != tf.as_dtype(wanted_tensor.dtype):
            raise Refused(
                f"preprocess.json gives the {side} {name!r} the dtype {wanted_tensor.dtype}, the "
                f"SavedModel's is {tensor.dtype.name}.",
                f"Write {tensor.dtype.name} into its signature, or cast inside the model "
                f"({MODEL_PY[0].lower()}{MODEL_PY[1:]}).",
            )
        if shape is not None and not tensor.shape.is_compatible_with(shape):
            raise Refused(
                f"preprocess.json gives the {side} {name!r} the shape {list(shape)}, the "
                f"SavedModel's is {tensor.shape}.",
                "Make the two agree: a shape is that of one row, batch included.",
            )


def _by_name(wanted: Sequence[GraphTensor], tensors: Mapping[str, T]) -> dict[str, T]:
    """What is held of each tensor, in the order of the signature; a single one by any name."""
    if len(wanted) == 1:
        return {wanted[0].name: next(iter(tensors.values()))}
    return {tensor.name: tensors[tensor.name] for tensor in wanted}


def _refuse_strings(graph: Any) -> None:
    layers: dict[str, str] = {}
    for node in _nodes(graph):
        if _makes_text(node) or "Table" in node.op:
            layers.setdefault(node.op, layer_of(node.name))
    if layers:
        raise strings(layers)


def _makes_text(node: Any) -> bool:
    """Whether an operation's own result is text; a constant alone (a message) is no work."""
    from tensorflow.core.framework import types_pb2
    from tensorflow.python.framework import op_def_registry

    operation = op_def_registry.get(node.op)
    if operation is None or node.op in {"Const", "Placeholder"}:
        return False
    return any(
        result.type == types_pb2.DT_STRING
        # Asked for with "in" first: reading a missing key of a protobuf map adds it.
        or (
            result.type_attr in node.attr
            and node.attr[result.type_attr].type == types_pb2.DT_STRING
        )
        for result in operation.output_arg
    )


def _settle_lists(tf: Any, graph: Any) -> None:
    """Give lists whose elements have an unknown batch the batch of one row.

    Their shapes are constants of the first trace, so that no inference reaches them. Where the
    unknown size is no batch, the graph does not load or its answers differ: parity tells.
    """
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        by_name = {node.name: node for node in nodes}
        for node in nodes:
            node.attr.pop("_output_shapes", None)
            node.attr.pop("_gradient_op_type", None)
            if node.op not in _ELEMENT_SHAPE:
                continue
            source = by_name.get(node.input[_ELEMENT_SHAPE[node.op]].split(":")[0])
            if source is None or source.op != "Const":
                continue
            shape = tf.make_ndarray(source.attr["value"].tensor).copy()
            if shape.ndim == 1 and len(shape) and shape[0] == -1:
                shape[0] = 1
                proto = tf.make_tensor_proto(shape, dtype=shape.dtype)
                source.attr["value"].tensor.CopyFrom(proto)


def _rename_functions(graph: Any) -> None:
    """New names for changed functions: TensorFlow knows the old ones already, as they were."""
    names = {function.signature.name for function in graph.library.function}
    for node in _nodes(graph):
        for value in node.attr.values():
            for called in (value.func, *value.list.func):
                if called.name in names:
                    called.name += ONE_ROW
    for function in graph.library.function:
        function.signature.name += ONE_ROW


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def

"""A SavedModel of any batch → the same model for exactly one row, with its weights inside.

Wrapping the served function in one of batch 1 is not enough: the shapes inside stay those of the
first trace, and a recurrent layer's lists keep an unknown batch that no converter accepts. Weights
are therefore frozen and the graph is read again with a fixed input, which infers every shape anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.conversion.refusals import MODEL_PY, Refused, layer_of, several, strings

SIGNATURE = "serving_default"
OUTPUT = "prediction"
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


def fixed_batch(tf: Any, saved_model: Path, wanted: Mapping[str, Any], folder: Path) -> Any:
    """Write the same SavedModel with a batch of exactly one row and a readable input name.

    Args:
        tf: The tensorflow module.
        saved_model: SavedModel with one float32 input and one float32 output, any batch.
        wanted: ``name`` and ``shape`` (batch 1) of the input.
        folder: Where the new SavedModel goes.

    Returns:
        The graph (``GraphDef``) of the one row.

    Raises:
        Refused: the model is none that an edge format can carry.
    """
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    loaded = tf.saved_model.load(str(saved_model))
    served = _served(tf, loaded, wanted)
    _refuse_strings(served.graph.as_graph_def())
    frozen = convert_variables_to_constants_v2(
        served, lower_control_flow=False, aggressive_inlining=True
    )
    graph = frozen.graph.as_graph_def()
    _refuse_strings(graph)
    _settle_lists(tf, graph)
    _rename_functions(graph)
    given, answer = frozen.inputs[0].name, frozen.outputs[0].name
    signature = tf.TensorSpec(wanted["shape"], tf.float32, name=wanted["name"])

    @tf.function(input_signature=[signature])  # type: ignore[untyped-decorator]
    def one(inputs: Any) -> dict[str, Any]:
        (made,) = tf.graph_util.import_graph_def(
            graph, input_map={given: inputs}, return_elements=[answer], name=""
        )
        return {OUTPUT: made}

    module = tf.Module()
    module.one = one
    # Nobody trains it further; custom gradients (swish has one) point to what was frozen away.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: one}, options=options)
    return graph


def loops(graph: Any) -> dict[str, str]:
    """Loops of a graph: operation → the layer of the first one."""
    found: dict[str, str] = {}
    for node in _nodes(graph):
        if node.op in LOOPS:
            found.setdefault(node.op, layer_of(node.name))
    return found


def _served(tf: Any, loaded: Any, wanted: Mapping[str, Any]) -> Any:
    """The function that is served, when it has one input and one output of float32."""
    if SIGNATURE not in loaded.signatures:
        raise Refused(
            f"The SavedModel has no signature {SIGNATURE!r}, only {sorted(loaded.signatures)}.",
            f"Export it with ExportArchive.add_endpoint, or with signatures={{{SIGNATURE!r}: …}}.",
        )
    served = loaded.signatures[SIGNATURE]
    inputs, outputs = served.structured_input_signature[1], served.structured_outputs
    for kind, tensors in (("input", inputs), ("output", outputs)):
        if len(tensors) != 1:
            raise several(kind, tensors)
        ((name, tensor),) = tensors.items()
        if tensor.dtype != tf.float32:
            raise Refused(
                f"The model's {kind} {name!r} is {tensor.dtype.name}; clients send and read "
                "float32.",
                f"{MODEL_PY}: cast inside the model.",
            )
    ((name, tensor),) = inputs.items()
    if not tensor.shape.is_compatible_with(wanted["shape"]):
        raise Refused(
            f"preprocess.json gives the input the shape {list(wanted['shape'])}, the SavedModel "
            f"takes {tensor.shape} ({name!r}).",
            "Make the two agree: input.shape is one row, batch included.",
        )
    return served


def _refuse_strings(graph: Any) -> None:
    found: dict[str, str] = {}
    for node in _nodes(graph):
        if _makes_text(node) or "Table" in node.op:
            found.setdefault(node.op, layer_of(node.name))
    if found:
        raise strings(found)


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

"""botocore's own model of CloudWatch: every shape that goes over the wire is read from it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"


@lru_cache
def service_model() -> Any:
    """The service model (botocore publishes no types)."""
    import botocore.session

    return botocore.session.Session().get_service_model("cloudwatch")


@lru_cache
def operation_model(action: str) -> Any | None:
    """The operation's model, or None when CloudWatch has no such operation."""
    model = service_model()
    return model.operation_model(action) if action in model.operation_names else None


@lru_cache
def error_shape(code: str, action: str = "") -> str:
    """The shape's name of an error code: ``InvalidParameterValueException`` for
    ``InvalidParameterValue``; the code itself where the model knows none.

    Two shapes may have one code (``ResourceNotFound``): the action's own come first.
    """  # noqa: D205
    operation = operation_model(action)
    own = [] if operation is None else [shape.name for shape in operation.error_shapes]
    for name in (*own, *service_model().shape_names):
        metadata = service_model().shape_for(name).metadata
        if metadata.get("exception") and code in (name, metadata.get("error", {}).get("code")):
            return str(name)
    return code

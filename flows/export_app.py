"""Pack the models that serve into one archive, for an app that brings its first models along."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows.forms import ALL, OneOrAll
from tasks.model_spec import known_models
from tasks.registry.tasks import pack_for_apps
from tasks.settings import settings

Format = Literal["tflite_float16", "tflite_int8", "tfjs_float16"]


@flow(name="export-app", flow_run_name="{model} for an app")
def export_app(
    model: OneOrAll = ALL,
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = get_args(Format),
) -> Any:
    """Pack models, manifests, licences and test vectors into one archive in the registry.

    Of each model the version that serves is taken; every file is compared with its manifest. The
    same models make the same archive, under the same name.

    Args:
        model: Which model. All takes every one that serves a version with one of the formats.
        formats: Which formats go in.
    """
    models = [model] if model != ALL else list(known_models(settings().models_dir))
    return Completed(message=pack_for_apps(models, formats))

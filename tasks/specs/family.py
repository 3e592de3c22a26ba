"""``family:`` of model.yaml: what a model is composed of, also as older files say it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from models.runtime.family import BrokenPlugIn, misfit, names_of
from tasks.metrics import task_class, tasks_of
from tasks.strict import Strict

CUSTOM, OWN_PROGRAM = "custom", "train.py"
FIRST_TASKS = ("regression", "classification")
"""Tasks there were when a family was one word."""


class FamilySpec(Strict):
    """What a model is composed of; each name is a file below models/runtime/."""

    task: str = Field(description="What is predicted: a file of models/runtime/tasks/.")
    input: str = Field(description="What a client sends: a file of models/runtime/inputs/.")
    backend: str = Field(
        default="keras", description="What learns: a file of models/runtime/backends/."
    )

    @model_validator(mode="after")
    def _exists(self) -> FamilySpec:
        for kind, name in (
            ("tasks", self.task),
            ("inputs", self.input),
            ("backends", self.backend),
        ):
            if name not in names_of(kind):
                raise ValueError(f"{kind[:-1]}: {name!r} is none of {', '.join(names_of(kind))}")
        try:
            task_class(self.task)
            fault = misfit(self.task, self.input, self.backend)
        except BrokenPlugIn as error:
            raise ValueError(str(error)) from error
        if fault:
            raise ValueError(fault)
        return self


def first_edition(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Today's keys of a model.yaml that names its family in one word.

    Raises:
        ValueError: it cannot be told what the model is; the message says what to write.
    """
    word, gates = raw["family"], raw.get("gates")
    if word not in names_of("inputs"):
        raise ValueError(
            f"family: {word!r} is no input; write "
            "family: {task: regression, input: tabular, backend: keras}"
        )
    metrics = [str(gate.get("metric", "")) for gate in gates or () if isinstance(gate, Mapping)]
    possible = tasks_of(metrics) & frozenset(FIRST_TASKS)
    training, serving = raw.get("training") or {}, raw.get("serving") or {}
    program = training.get("program", "train.py") if isinstance(training, Mapping) else "train.py"
    if program != "train.py":
        raise ValueError(
            f"training.program: {program} is an own program; write family: {{task: …, input: "
            f"{word}, backend: custom}}, and an inference.py beside it (docs/models.md)"
        )
    if len(possible) != 1:
        raise ValueError(
            f"family: the gates ({', '.join(metrics)}) do not tell the task; write "
            f"family: {{task: …, input: {word}, backend: keras}}"
        )
    migrated: dict[str, Any] = {
        "family": {"task": next(iter(possible)), "input": word, "backend": "keras"}
    }
    for key, part, shared in (("training", training, "train.py"), ("serving", serving, "serve.py")):
        if isinstance(part, Mapping) and part.get("program") == shared:
            migrated[key] = {**part, "program": ""}
    return migrated

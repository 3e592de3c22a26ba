"""Which task, input and backend a model is composed of, and where their classes are found."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.runtime.backend import Backend
from models.runtime.input import Input
from models.runtime.task import Task

HERE = Path(__file__).parent
FAMILY = "family.json"
"""File of the source archive and of the bundle."""
BASES: Mapping[str, type] = {"tasks": Task, "inputs": Input, "backends": Backend}


class UnknownPlugIn(LookupError):
    """A name that no file bears."""


class BrokenPlugIn(TypeError):
    """A file that is no plug-in: it cannot be imported, or defines no class, or several."""


@dataclass(frozen=True)
class Family:
    """A composition by name, and what belongs to it.

    Args:
        task: What is predicted.
        input: What a client sends.
        backend: What learns.
        label: Column of the contract that is predicted.
        features: Treatment by column, where model.yaml chooses one.
        program: The training program of a backend that runs one.
    """

    task: str
    input: str
    backend: str
    label: str
    features: Mapping[str, str] = field(default_factory=dict)
    program: str = ""

    @property
    def task_class(self) -> type[Task]:
        """The task's class."""
        task_type: type[Task] = plug_in("tasks", self.task)
        return task_type

    @property
    def input_class(self) -> type[Input]:
        """The input's class."""
        input_type: type[Input] = plug_in("inputs", self.input)
        return input_type

    def new_backend(self) -> Backend:
        """The backend."""
        backend: Backend = plug_in("backends", self.backend)()
        return backend

    def to_json(self) -> str:
        """The text of ``family.json``."""
        return json.dumps(vars(self), indent=1, sort_keys=True) + "\n"


def load_family(folder: Path) -> Family:
    """Read a folder's ``family.json``."""
    return Family(**json.loads((folder / FAMILY).read_text("utf-8")))


def misfit(task: str, source: str, backend: str) -> str:
    """Why three parts make no family; "" when they do.

    Most parts go with all others. One that does not names those that it goes with (``partners``),
    and the others need not know of it.
    """
    parts = {"tasks": task, "inputs": source, "backends": backend}
    for kind, name in parts.items():
        partners: frozenset[str] | None = plug_in(kind, name).partners
        strangers = [
            f"{other[:-1]} {there!r}"
            for other, there in parts.items()
            if partners is not None and other != kind and there not in partners
        ]
        if partners is not None and strangers:
            fitting = {
                other: " or ".join(sorted(partners & set(names_of(other))))
                for other in parts
                if other != kind
            }
            wanted = ", ".join(f"{other[:-1]}: {names}" for other, names in fitting.items())
            return (
                f"the {kind[:-1]} {name!r} does not go with the {' and the '.join(strangers)}; "
                f"write {kind[:-1]}: {name}, {wanted}"
            )
    return ""


def names_of(kind: str) -> tuple[str, ...]:
    """Names of all plug-ins of a kind (``tasks``, ``inputs``, ``backends``), sorted."""
    files = (HERE / kind).glob("[!_]*.py")
    return tuple(sorted(path.stem.replace("_", "-") for path in files))


def module_of(kind: str, name: str) -> str:
    """Dotted name of a plug-in's module.

    Raises:
        UnknownPlugIn: there is no such file.
    """
    if name not in names_of(kind):
        raise UnknownPlugIn(
            f"{name!r} is none of models/runtime/{kind}: {', '.join(names_of(kind))}"
        )
    return f"models.runtime.{kind}.{name.replace('-', '_')}"


def plug_in(kind: str, name: str) -> Any:
    """The class that a plug-in's file defines.

    Raises:
        UnknownPlugIn: there is no such file.
        BrokenPlugIn: the file cannot be imported, or defines none, or several.
    """
    module = module_of(kind, name)
    base = BASES[kind]
    try:
        imported = importlib.import_module(module)
    except Exception as error:
        raise BrokenPlugIn(
            f"{_file_of(module)} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    classes = [
        value
        for value in vars(imported).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]
    if len(classes) != 1:
        named = ", ".join(one.__name__ for one in classes) or "none"
        raise BrokenPlugIn(
            f"{_file_of(module)} defines {len(classes)} subclasses of {base.__name__} ({named}), "
            "not one"
        )
    return classes[0]


def _file_of(module: str) -> str:
    return f"{module.replace('.', '/')}.py"

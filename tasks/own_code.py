"""What a model's own files must bring, as its backend asks for it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from models.packaging import PROGRAMS
from models.runtime.backends.custom import INFERENCE, REQUIRED
from models.runtime.family import FAMILY
from models.runtime.own import ALWAYS, FUNCTIONS, MODEL
from tasks.model_spec import ModelSpec
from tasks.specs.family import CUSTOM

FIRST_EDITION = ("load", "preprocess")
"""Functions of a model.py that columns of the contract have taken the place of."""
ALIKE = 0.85
"""How alike a name is to another that it was perhaps meant to be, of 1."""
REPLACED = ("evaluate.py", "serve.py")
"""Programs that a bundle's own entry point has taken the place of."""


def faults(spec: ModelSpec, own: Mapping[str, bytes]) -> Iterator[str]:
    """What is missing in the model's folder, or there that nothing would call.

    Args:
        spec: The model.
        own: Files of its folder that are shipped, by path.
    """
    names: dict[str, set[str]] = {}
    for path, content in sorted(own.items()):
        if not path.endswith(".py"):
            continue
        try:
            names[path] = bound_names(ast.parse(content, path))
        except (SyntaxError, ValueError) as error:
            yield f"{path} is no Python: {error}"
    clashes = sorted(path for path in own if path in {*PROGRAMS, FAMILY})
    if clashes:
        yield f"{', '.join(clashes)}: the archive writes a file of this name; call yours otherwise"
    yield from _model_faults(spec, names)
    if spec.family.backend == CUSTOM:
        yield from _custom_faults(spec, own, names)
        return
    if spec.training.program:
        yield (
            f"training.program: {spec.training.program} is for family.backend custom; "
            f"{spec.family.backend} trains by itself"
        )
    replaced = sorted(set(own) & {*REPLACED, "train.py"})
    if replaced:
        yield (
            f"{', '.join(replaced)}: nothing calls it; a bundle measures and serves itself, and a "
            "training program of your own needs family.backend: custom"
        )


def _model_faults(spec: ModelSpec, names: Mapping[str, set[str]]) -> Iterator[str]:
    bound = names.get(MODEL)
    measured = bound is not None and "metrics" in bound
    strangers = [gate.metric for gate in spec.gates if not gate.known]
    if strangers and not measured:
        yield (
            f"gates: {', '.join(strangers)} is measured by no task; let metrics() of a {MODEL} "
            "measure it"
        )
    if bound is None:
        return
    old = [name for name in FIRST_EDITION if name in bound]
    if old:
        yield (
            f"{MODEL}: {' and '.join(f'{name}()' for name in old)} are not called any more: "
            "columns come from the contract, and features() gives what preprocess.json lists "
            "(docs/models.md)"
        )
    elif not bound & set(FUNCTIONS):
        yield (
            f"{MODEL} has none of {', '.join(f'{name}()' for name in FUNCTIONS)}: nothing would "
            "call it"
        )
    if bound >= set(FUNCTIONS):
        return  # a star import may bring any of them
    called = ALWAYS | spec.composition.new_backend().calls
    for name in sorted(bound & set(FUNCTIONS) - called):
        yield (
            f"{MODEL}: {name}() is not called by backend {spec.family.backend}, which calls "
            f"{', '.join(f'{one}()' for one in sorted(called))}"
        )
    for name in sorted(bound - set(FUNCTIONS)):
        meant = get_close_matches(name, sorted(called - bound), 1, ALIKE)
        if meant:
            yield f"{MODEL}: nothing calls {name}(); is {meant[0]}() meant?"


def _custom_faults(
    spec: ModelSpec, own: Collection[str], names: Mapping[str, set[str]]
) -> Iterator[str]:
    program = spec.composition.program
    if program not in own:
        yield f"training.program: {program} does not lie in the model's folder"
    if INFERENCE not in own:
        yield f"{INFERENCE} is missing: {' and '.join(f'{name}()' for name in REQUIRED)} answer"
        return
    lacking = [name for name in REQUIRED if name not in names.get(INFERENCE, set(REQUIRED))]
    if lacking:
        yield f"{INFERENCE} lacks {', '.join(f'{name}()' for name in lacking)}"


def bound_names(tree: ast.Module) -> set[str]:
    """Names that a module may bind at its top level; all that matter, if it imports with a star."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names |= {*FUNCTIONS, *REQUIRED} if node.name == "*" else {node.asname or node.name}
    return names

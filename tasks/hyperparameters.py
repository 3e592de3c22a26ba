"""What the code of a model reads of its hyperparameters, and how values are held to it. Pure.

The programs of a job read them where they need them, by name, with a default that tells the type,
and with bounds. So the same calls are found in the code here, and made with the values that a job
would be given: nothing is declared twice, and a value that a job would refuse never becomes one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import Any

from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter

METHODS = ("integer", "number", "text", "integers")
_STAND_INS: Mapping[str, Any] = {"integer": 0, "number": 0.0, "text": "", "integers": (0,)}
_UNKNOWN = object()


@dataclass(frozen=True)
class HyperparameterReading:
    """One place where a hyperparameter is read.

    Args:
        name: The hyperparameter.
        method: Of `Hyperparameters`.
        default: Its default; a stand-in of its type where the code computes it.
        bounds: Keyword arguments of the call that could be made out.
        path: The file.
        computed: Whether the code computes the default.
    """

    name: str
    method: str
    default: Any
    bounds: Mapping[str, Any]
    path: str
    computed: bool = False

    def fault_of(self, value: Any) -> str:
        """Why a job would refuse a value; "" when it would not."""
        given = Hyperparameters({self.name: str(value)})
        try:
            getattr(given, self.method)(self.name, self.default, **self.bounds)
        except InvalidHyperparameter as error:
            return str(error)
        return ""


def readings(files: Mapping[str, bytes]) -> tuple[HyperparameterReading, ...]:
    """Every place in code where a hyperparameter is read by a name that can be made out.

    Args:
        files: Python by path; what does not parse is passed over.
    """
    trees = {}
    for path, content in sorted(files.items()):
        if path.endswith(".py"):
            try:
                trees[path] = ast.parse(content, path)
            except (SyntaxError, ValueError):
                continue
    constants = dict(chain.from_iterable(_constants(tree) for tree in trees.values()))
    found = (one for path, tree in trees.items() for one in _readings(path, tree, constants))
    return tuple(sorted(found, key=lambda reading: (reading.name, reading.path)))


def faults(
    values: Mapping[str, Any], files: Mapping[str, bytes], own: Mapping[str, bytes]
) -> Iterator[str]:
    """What is wrong with hyperparameters, each in a sentence.

    Args:
        values: By name, as model.yaml or a run's form has them.
        files: The code that a job would bring.
        own: Those of them that are the model's own: they may read a name in a way that is not seen
            here, so that a name is nobody's only if they do not hold it at all.
    """
    known = readings(files)
    names = sorted({reading.name for reading in known})
    texts = set(chain.from_iterable(_texts(content) for content in own.values()))
    for given, value in values.items():
        name = given.replace("-", "_")
        refused = {reading.fault_of(value) for reading in known if reading.name == name} - {""}
        if refused:
            yield f"training.hyperparameters: {min(refused)}"
        elif name not in names and not {name, given} & texts:
            near = get_close_matches(name, names, 1)
            yield (
                f"training.hyperparameters: {given} is read by nobody"
                f"{f'; near it is {near[0]}' if near else ''}; this model reads {', '.join(names)}"
            )


def _readings(
    path: str, tree: ast.Module, constants: Mapping[str, Any]
) -> Iterator[HyperparameterReading]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) < 2:  # noqa: PLR2004  name and default
            continue
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in METHODS:
            continue
        name = _value(node.args[0], constants)
        if not isinstance(name, str):
            continue
        default = _value(node.args[1], constants)
        bounds = {
            keyword.arg: value
            for keyword in node.keywords
            if keyword.arg and (value := _value(keyword.value, constants)) is not _UNKNOWN
        }
        method, computed = node.func.attr, default is _UNKNOWN
        default = _STAND_INS[method] if computed else default
        yield HyperparameterReading(name, method, default, bounds, path, computed)


def _value(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return constants.get(node.id, _UNKNOWN)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return _UNKNOWN


def _constants(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Names in capitals that a module gives a literal to."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            (target, *_), value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        literal = _value(value, {})
        if literal is _UNKNOWN:
            continue
        if isinstance(target, ast.Tuple) and isinstance(literal, tuple):
            pairs = zip(target.elts, literal, strict=False)
        else:
            pairs = zip([target], [literal], strict=True)
        yield from ((name.id, one) for name, one in pairs if isinstance(name, ast.Name))


def _texts(content: bytes) -> Iterator[str]:
    """Every text that a program holds, without the dashes of a command line's names."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.removeprefix("--").replace("-", "_")

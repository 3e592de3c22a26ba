"""YAML that people write, read strictly: a text has one meaning, or an error names its line. Pure.

YAML 1.1 turns ``2024-01-01`` into a date, ``08:30`` into 510, ``010`` into 8 and ``no`` into false;
here they stay text, as in YAML 1.2 and in JSON. Of a key named twice the last one would count
without a word; a value that contains itself ends nowhere; aliases of aliases make a small file
larger than any memory. All three are refused.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

NODES = 100_000
"""Values that a document may hold once its aliases are written out: a contract of 5,000 columns."""
DIGITS = 400
"""No float holds an integer of more; Python refuses to read one of some thousands."""
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """Dates, clocks and the words yes, no, on and off stay text."""

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _Graph(self).require_finite(node)
        return node


class _Graph:
    """The nodes of a document, in which an alias is another way to the same node."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._sizes: dict[int, int] = {}
        self._around: set[int] = set()

    def require_finite(self, root: yaml.Node) -> None:
        if self._size(root) > NODES:
            raise _fault(
                f"with its aliases written out it holds {self._sizes[id(root)]:,} values, more "
                f"than {NODES:,}",
                root,
            )

    def _size(self, node: yaml.Node) -> int:
        """Values below a node, counted each time that they are named."""
        if id(node) in self._around:
            raise _fault("an alias stands inside the value that it names, which never ends", node)
        if id(node) not in self._sizes:
            self._around.add(id(node))
            inner: list[yaml.Node] = []
            if isinstance(node, yaml.MappingNode):
                self._require_once(node)
                inner = [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                inner = node.value
            self._sizes[id(node)] = 1 + sum(map(self._size, inner))
            self._around.discard(id(node))
        return self._sizes[id(node)]

    def _require_once(self, node: yaml.MappingNode) -> None:
        """Keys that stand in the mapping itself; one that it merges may be written anew."""
        first: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = "<<" if key.tag == _MERGE else self._loader.construct_object(key)
            if name in first:
                raise _fault(f"the key {name!r} stands in line {first[name]} already", key)
            first[name] = key.start_mark.line + 1


def _fault(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_TAGS = {
    "tag:yaml.org,2002:bool": re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
    "tag:yaml.org,2002:int": re.compile(r"^[-+]?(?:0|[1-9][0-9]*|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"^[-+]?(?:(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$"
        r"|^\.(?:nan|NaN|NAN)$"
    ),
}
_FIRST = {
    "tag:yaml.org,2002:bool": "tTfF",
    "tag:yaml.org,2002:int": "-+0123456789",
    "tag:yaml.org,2002:float": "-+0123456789.",
}
_UNKNOWN_TO_JSON = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in {*_TAGS, *_UNKNOWN_TO_JSON}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _TAGS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, list(_FIRST[_tag]))


def _number(loader: _Loader, node: yaml.ScalarNode) -> float:
    """A number that a float can hold; ``.inf`` and ``.nan`` are told apart by who reads them."""
    whole = node.tag == "tag:yaml.org,2002:int"
    try:
        if whole and len(node.value) > DIGITS:
            raise OverflowError(node.value)
        number = loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)
        finite = math.isfinite(number)
    except OverflowError:
        finite = False
    if not finite and not re.fullmatch(r"[-+]?\.(?:inf|nan)", node.value.lower()):
        raise _fault(f"{node.value:.40} is beyond every number that can be reckoned with", node)
    return number


class _Dumper(yaml.SafeDumper):
    """Quotes what either edition of YAML would take for more than text: ``no`` and ``1e5``."""


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, ()),
        *_Loader.yaml_implicit_resolvers.get(first, ()),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *_Loader.yaml_implicit_resolvers}
}
_JSON = ("null", "bool", "int", "float", "str", "seq", "map")
_Loader.yaml_constructors = {
    tag: yaml.SafeLoader.yaml_constructors[tag]
    for tag in (*(f"tag:yaml.org,2002:{kind}" for kind in _JSON), None)
}
for _tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
    _Loader.add_constructor(_tag, _number)


def yaml_document(written: str) -> Any:
    """Parse one YAML document: mappings, lists, texts, numbers, true, false and null.

    Raises:
        yaml.YAMLError: it is none, names a key twice, holds a value that contains itself, more
            than :data:`NODES` values or a number that no float holds, or is too deep to be read.
    """
    try:
        return yaml.load(written, Loader=_Loader)  # noqa: S506 - a SafeLoader that reads fewer types
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deep to be read") from error
    except (ValueError, LookupError) as error:  # a tag that its text does not fit: !!bool x
        raise yaml.YAMLError(f"a tag does not fit its value: {error}") from error


def yaml_text(document: Any, width: int = 100) -> str:
    """A document as YAML, with its keys in order; every reader of YAML reads the same from it."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)

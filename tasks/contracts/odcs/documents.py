"""YAML as contracts are written: a date stays the text that stands there.

YAML 1.1 turns ``2024-01-01`` into a date, ``08:30`` into 510 and ``no`` into false. ODCS knows
dates as text, and JSON knows none of the three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

import yaml


class Fault(Exception):
    """A contract says something that cannot be kept; becomes InvalidContract."""


class _Loader(yaml.SafeLoader):
    """Dates, clocks and the words yes, no, on and off stay text, as in YAML 1.2."""


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
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in {*_TAGS, "tag:yaml.org,2002:timestamp"}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _TAGS.items():
    _Loader.add_implicit_resolver(_tag, _pattern, list(_FIRST[_tag]))


def text_of(written: str) -> Any:
    """Parse a YAML text.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(written, Loader=_Loader)  # noqa: S506 - a SafeLoader that reads fewer types


def plain(document: Any) -> Any:
    """A parsed document with dates and times as ISO text, as another YAML reader left them."""
    if isinstance(document, Mapping):
        return {str(plain(key)): plain(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [plain(value) for value in document]
    if isinstance(document, date | time):
        return document.isoformat()
    return document

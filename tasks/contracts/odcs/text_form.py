"""How a contract's text is written: encoding and delimiter, honoured or refused."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from tasks.contracts.odcs.documents import Fault

FIELDS: Mapping[str, str] = {
    **{sign: sign for sign in (",", ";", "\t", "|")},
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "pipe": "|",
}
"""What may stand between the fields of CSV, as contracts write it."""
RECORDS = ("new_line", "array")
"""How JSON records may be parted, as ODCS names it."""
_NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def text_form(server: Mapping[str, Any], form: str) -> dict[str, str]:
    """``encoding`` and ``delimiter`` of a server entry.

    Args:
        server: The ODCS server.
        form: ``csv``, ``jsonl``, ``parquet`` or ``images``.

    Raises:
        Fault: it names something that no reader here would honour.
    """
    return {"encoding": _encoding(server, form), "delimiter": _delimiter(server, form)}


def _encoding(server: Mapping[str, Any], form: str) -> str:
    written = str(server.get("encoding") or "utf-8")
    try:
        codec = codecs.lookup(written.strip())
    except (LookupError, ValueError) as error:
        raise Fault(f"servers.encoding is {written!r}, which no codec bears") from error
    if codec.name.replace("-", "_") in _NO_TEXT or not getattr(codec, "_is_text_encoding", True):
        raise Fault(f"servers.encoding is {written!r}, which is no encoding of text")
    name = "utf-8" if codec.name == "utf-8-sig" else codec.name  # a mark is always taken off
    if form == "parquet" and name not in {"utf-8", "ascii"}:
        raise Fault(f"servers.encoding is {written!r}, but text in Parquet is UTF-8 by definition")
    return name


def _delimiter(server: Mapping[str, Any], form: str) -> str:
    if "delimiter" not in server:
        return ""
    written = str(server["delimiter"])
    if form == "csv" and written in FIELDS:
        return FIELDS[written]
    if form == "jsonl" and written in RECORDS:
        return written
    known = {"csv": "comma, semicolon, tab, pipe, or the sign itself", "jsonl": ", ".join(RECORDS)}
    raise Fault(
        f"servers.delimiter is {written!r}; "
        + (f"it may be {known[form]}" if form in known else f"{form} has none")
    )

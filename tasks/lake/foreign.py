"""Formats that are not read, told by endings and first bytes, and what to do about each."""

from __future__ import annotations

from tasks.compressed_names import ENDINGS as COMPRESSIONS

_ARCHIVE = ("an archive of files", "put each of its files into the lake by itself")
_EXCEL = ("an Excel workbook", "save its sheet as CSV (UTF-8)")
_OFFICE = ("a workbook or document of an office program", "save its sheet as CSV (UTF-8)")
_CONVERT = "convert it to Parquet or JSON lines"

ENDINGS: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz", ".zip", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls"), _EXCEL),
    ".ods": _OFFICE,
    ".avro": ("Avro", _CONVERT),
    ".orc": ("ORC", _CONVERT),
    ".xml": ("XML", _CONVERT),
    ".feather": ("an Arrow file", _CONVERT),
    ".arrow": ("an Arrow file", _CONVERT),
    ".sqlite": ("an SQLite database", "export its tables as CSV"),
    ".pdf": ("a PDF document", "export its table as CSV"),
}
"""Ending → what it tells, and what to do."""
_STARTS: tuple[tuple[bytes, tuple[str, str]], ...] = (
    *(
        (start, _ARCHIVE)
        for start in (b"PK\3\4", b"PK\5\6", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OFFICE),
    (b"Obj\1", ENDINGS[".avro"]),
    (b"ARROW1\0\0", ENDINGS[".arrow"]),
    (b"SQLite format 3\0", ENDINGS[".sqlite"]),
    (b"ORC", ENDINGS[".orc"]),
    (b"PAR1", ("Parquet", "end its name in .parquet, or declare it in the contract")),
    (b"%PDF-", ENDINGS[".pdf"]),
)
_TAR = slice(257, 262)


def foreign_ending(key: str) -> str:
    """Why an object of this name is not read, or ""; a compression's ending may stand behind."""
    name = key.lower()
    for packed in ("", *COMPRESSIONS):
        if name.endswith(packed):
            inner = name.removesuffix(packed)
            for ending, (what, advice) in ENDINGS.items():
                if inner.endswith(ending):
                    return f"{ending}{packed} is not read: its format is {what}; {advice}"
    return ""


def foreign_start(data: bytes) -> str:
    """Why what should be text is not read, by its first bytes, unpacked; or "".

    A start that is text itself counts where NUL shows that the rest is none.
    """
    start, found = next((one for one in _STARTS if data.startswith(one[0])), (b"", None))
    if start.isascii() and start.decode().isprintable() and b"\0" not in data:
        found = None
    if found is _ARCHIVE and b"xl/" in data:
        found = _EXCEL
    if found is None and data[_TAR] == b"ustar":
        found = _ARCHIVE
    return "" if found is None else f"by its first bytes its format is {found[0]}; {found[1]}"

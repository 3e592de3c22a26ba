"""Objects beside the data whose rows do not count: markers, checksums, folders, copies. Pure.

The rule for hidden names is that of Hive, Spark and Athena: what begins with ``_`` or ``.`` is not
data, neither is anything in a folder that does; a partition (``_day=1``) is no hidden folder.
"""

from __future__ import annotations

from collections.abc import Container

from tasks.compressed_names import ending_of
from tasks.values import LakeObject, LeftOut, Snapshot

HIDDEN = "hidden"
TABLE_LOG = "table log"
FOLDER = "folder marker"
SIDE_FILE = "side file"
UNFINISHED = "unfinished copy"
BACKUP = "backup copy"
LOGS = ("_delta_log", ".hoodie")
_DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_NAMES = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", *(f"{digest}sums" for digest in _DIGESTS)}
)
_ENDINGS = (
    *(".crc", ".csv.metadata"),
    *(f".{digest}{sums}" for digest in _DIGESTS for sums in ("", "sum", "sums")),
)
_SIGNATURES = (".asc", ".sig")
"""Beside the file that they sign; grids of heights and readings are called ``.asc`` as well."""
_UNFINISHED = (
    *("._copying_", ".tmp", ".temp", ".inprogress", ".partial"),
    *(".part", ".filepart", ".crdownload", ".download"),  # of browsers and file transfers
)
# What editors and people keep beside the file that counts. "a (1).csv" is no such name: a second
# delivery bears it as well.
_BACKUPS = ("~", ".bak", ".backup", ".old", ".orig", ".save", ".swp", ".swo")


_PARTS = (".part", ".old")
"""What packed files are called that are one part of several, or of another time."""


def below(key: str, prefix: str) -> str:
    """The part of a key below the last folder of a prefix; the whole key when it lies elsewhere."""
    folder = prefix[: prefix.rfind("/") + 1]
    return key.removeprefix(folder)


def side_file(key: str, size: int, prefix: str = "", beside: Container[str] = ()) -> str:
    """The rule by which an object is no data, or "" when it is data.

    Args:
        key: The object's key.
        size: Its size in bytes.
        prefix: Where the data set's keys begin; names above it do not count.
        beside: All keys, as far as they are known.
    """
    path = below(key, prefix)
    *folders, name = path.split("/")
    lower = name.lower()
    # What was set aside as a copy stays one when somebody packs it.
    unpacked = lower.removesuffix(ending_of(lower))
    if unpacked != lower and unpacked.endswith(_PARTS):
        unpacked = lower
    if size == 0 and (not name or lower.endswith("_$folder$")):
        return FOLDER
    if any(folder in LOGS for folder in folders):
        return TABLE_LOG
    if any(map(_hidden, folders)):
        return HIDDEN
    if lower.endswith(_UNFINISHED) or unpacked.endswith(_UNFINISHED):
        return UNFINISHED
    if name.startswith(("_", ".")):
        return HIDDEN
    copied = lower.endswith(_BACKUPS) or unpacked.endswith(_BACKUPS)
    if copied or name.startswith("~$") or _autosaved(name):
        return BACKUP
    if lower in _NAMES or lower.endswith(_ENDINGS):
        return SIDE_FILE
    if lower.endswith(_SIGNATURES) and key[: key.rfind(".")] in beside:
        return SIDE_FILE
    return ""


def _autosaved(name: str) -> bool:
    return len(name) > 1 and name[0] == name[-1] == "#"  # Emacs


def _hidden(folder: str) -> bool:
    # "." and ".." are no names; S3 knows no folders, and keys that hold them are read as they are.
    if folder.startswith("_"):
        return "=" not in folder
    return folder.startswith(".") and bool(folder.strip("."))


def data_of(snapshot: Snapshot, prefix: str) -> tuple[Snapshot, tuple[LeftOut, ...]]:
    """A snapshot without the objects that hold no rows, and how many those were by which rule.

    The fingerprint stays that of the whole snapshot.
    """
    kept: list[LakeObject] = []
    rules: dict[str, list[str]] = {}
    keys = frozenset(item.key for item in snapshot.objects)
    for item in snapshot.objects:
        rule = side_file(item.key, item.size, prefix, keys)
        if rule:
            rules.setdefault(rule, []).append(item.key)
        else:
            kept.append(item)
    if not rules:
        return snapshot, ()
    beside = tuple(
        LeftOut(rule=rule, count=len(named), example=min(named))
        for rule, named in sorted(rules.items())
    )
    return snapshot.model_copy(update={"objects": tuple(kept)}), beside

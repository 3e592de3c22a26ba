"""Archives whose members lead out of their folder, or into each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.security.packing import HostileArchive, attributes, member, packed

SYMBOLIC, HARD, FOLDER = b"2", b"1", b"5"
LET_IN = frozenset({b"\0", b"0", FOLDER})
BEFORE_A_MEMBER = frozenset({b"L", b"K", b"x", b"g"})


def links(outside: Path) -> Iterator[HostileArchive]:
    """Links of both kinds, alone and with a file that is written through them."""
    away = bytes(outside)
    targets = {
        "absolute": away,
        "a file outside": away + b"/target.txt",
        "up": b"../victim",
        "far up": b"../" * 20 + away.lstrip(b"/"),
        "inside": b"code",
        "a file inside": b"code/serve.py",
        "itself": b"way",
        "here": b".",
        "nowhere": b"nowhere",
        "up and down": b"code/../../victim",
        "none": b"",
        "long": b"d/" * 49,
    }
    for word, kind in (("symbolic", SYMBOLIC), ("hard", HARD)):
        for title, target in targets.items():
            link = member(b"way", b"", kind, target)
            through = {
                "alone": link,
                "file through it": link + member(b"way/target.txt", b"OVERWRITTEN"),
                "file over it": link + member(b"way", b"OVERWRITTEN"),
                "file before it": member(b"way", b"x") + link,
                "as a document": member(b"reference.json", b"", kind, target),
            }
            for what, members in through.items():
                name = f"{word}, {title}, {what}"
                yield HostileArchive("links", name, partial(packed, members))
    yield HostileArchive("links", "a chain of long folders", partial(_chain, 16))
    yield HostileArchive("links", "a short chain of long folders", partial(_chain, 8))


def _chain(steps: int) -> bytes:
    """CVE-2025-4517: past the length of a path the filter no longer sees where links lead."""
    long, path, parts = b"d" * 247, b"", []
    letters = [bytes([ord("a") + number]) for number in range(steps)]
    for letter in letters:
        parts += [member(path + long, b"", FOLDER), member(path + letter, b"", SYMBOLIC, long)]
        path += long + b"/"
    deep = b"/".join(letters) + b"/" + b"l" * 254
    parts.append(member(deep, b"", SYMBOLIC, b"../" * steps))
    parts.append(member(b"escape", b"", SYMBOLIC, deep + b"/../../victim"))
    parts.append(member(b"hard", b"", HARD, b"escape/target.txt"))
    return packed(*parts, member(b"hard", b"OVERWRITTEN"))


def names(outside: Path) -> Iterator[HostileArchive]:
    """Names that no file has, in each of the three places where a name can stand."""
    away = bytes(outside) + b"/target.txt"
    bad = {
        "absolute": away,
        "absolute, twice": b"/" + away,
        "up": b"../victim/target.txt",
        "up from below": b"code/../../victim/target.txt",
        "up within": b"code/../other.py",
        "up after a dot": b"./.././victim/target.txt",
        "ends above": b"code/..",
        "only above": b"..",
        "here": b".",
        "here, with a slash": b"./",
        "root": b"/",
        "named as a folder": b"code/file/",
        "long": b"a" * 1025,
        "long in parts": b"/".join([b"abcdefgh"] * 28 * 5)[:1100],
        "a part too long": b"a" * 256,
        "deep": b"a/" * 32 + b"a",
        "far deep": b"a/" * 400 + b"a",
        "bytes": b"code/\xff\xfe.py",
        "half a sign": b"code/\xe2\x82.py",
        "a surrogate": b"code/\xed\xa0\x80.py",
        "overlong slash": b"..\xc0\xaf..\xc0\xafvictim",
        "a line": "code/\u2028.py".encode(),
        "a paragraph": "code/\u2029.py".encode(),
    }
    codes = [*range(1, 32), 127, *range(128, 160, 4)]
    bad |= {f"control {code:#04x}": f"code/a{chr(code)}b.py".encode() for code in codes}
    for title, name in bad.items():
        yield HostileArchive("names", title, partial(packed, member(name)))
        pax = attributes((b"path", name)) + member(b"short")
        yield HostileArchive("names", f"{title}, by attributes", partial(packed, pax))
    for title, name in (("empty", b""), ("NUL", b"code/a\0b"), ("NUL first", b"\0/../x")):
        pax = attributes((b"path", name)) + member(b"short")
        yield HostileArchive("names", f"{title}, by attributes", partial(packed, pax))
    yield HostileArchive("names", "empty", partial(packed, member(b"")))
    prefix = member(b"target.txt", prefix=b"../victim")
    yield HostileArchive("names", "up, by a prefix", partial(packed, prefix))
    for title, name in (("up", b"../made"), ("absolute", bytes(outside) + b"/made")):
        folder = member(name + b"/", b"", FOLDER)
        yield HostileArchive("names", f"a folder {title}", partial(packed, folder))


def twins() -> Iterator[HostileArchive]:
    """Two names for one file, or one for two."""
    pairs = {
        "the same": ("a.bin", "a.bin"),
        "with a dot": ("a.bin", "./a.bin"),
        "with two slashes": ("a/b", "a//b"),
        "in capitals": ("a.bin", "A.bin"),
        "folder in capitals": ("weights/a", "Weights/b"),
        "composed": ("caf\u00e9", "cafe\u0301"),
        "folder composed": ("caf\u00e9/a", "cafe\u0301/b"),
        "sharp s": ("stra\u00dfe", "strasse"),
        "ligature": ("\ufb01le", "file"),
        "full width": ("\uff41", "a"),
        "Kelvin": ("\u212a", "k"),
        "unseen": ("a\u200db", "ab"),
        "file and folder": ("a", "a/b"),
        "folder and file": ("a/b", "a"),
        "deep file and folder": ("a/b/c", "a/b/c/d/e"),
        "file and folder in capitals": ("a", "A/b"),
        "bundle.json": ("x", "bundle.json"),
        "BUNDLE.JSON": ("x", "BUNDLE.JSON"),
        "code": ("x", "code"),
        "Code/serve.py": ("x", "Code/serve.py"),
        "code/serve.py/x": ("x", "code/serve.py/x"),
    }
    for title, (first, second) in pairs.items():
        parts = member(first.encode()) + member(second.encode())
        yield HostileArchive("twins", title, partial(packed, parts))
    for title, name in (("a folder twice", b"b/"), ("code/ again", b"code/"), ("its own", b"./")):
        twice = member(b"b/", b"", FOLDER) + 2 * member(name, b"", FOLDER)
        yield HostileArchive("twins", title, partial(packed, twice))


def types() -> Iterator[HostileArchive]:
    """Every type of member that there is, and all that there are not."""
    for kind in sorted({bytes([code]) for code in range(256)} - LET_IN - BEFORE_A_MEMBER):
        part = member(b"odd", b"", kind, b"code/serve.py")
        yield HostileArchive("types", f"type {kind!r}", partial(packed, part))

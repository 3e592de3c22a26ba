"""Archives that are not what they say, and those that become too much."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Iterator
from functools import partial

from benchmarks.security.packing import (
    END,
    GOOD,
    HostileArchive,
    attributes,
    header,
    member,
    packed,
    record,
    streamed,
)

MIB = 1 << 20
ZEROS = (bytes(MIB), 512)


def bombs() -> Iterator[HostileArchive]:
    """Small ones that would become large, many or deep."""
    long = b"a" * MIB
    empty = member(b"d/%06d", b"")
    floods = {
        "a file of zeros": [(header(b"zeros", 512 * MIB), 1), ZEROS, (END, 1)],
        "preprocess.json of blanks": [
            (header(b"preprocess.json", 512 * MIB), 1),
            (b" " * MIB, 512),
        ],
        "a long name": [(header(b"././@LongLink", 512 * MIB, b"L"), 1), (long, 512)],
        "a long link": [(header(b"././@LongLink", 512 * MIB, b"K"), 1), (long, 512)],
        "attributes": [(header(b"x", 512 * MIB, b"x"), 1), (long, 512)],
        "global attributes": [(header(b"x", 512 * MIB, b"g"), 1), (long, 512)],
        "attributes of Solaris": [(header(b"x", 512 * MIB, b"X"), 1), (long, 512)],
        "zeros after the end": [(GOOD + END, 1), ZEROS],
        "letters after the end": [(GOOD + END, 1), (long, 64)],
        "attributes without end": [(attributes((b"mtime", b"1")), 300_000)],
        "names without end": [(member(b"././@LongLink", b"a\0", b"L"), 300_000)],
        "one name without end": [(empty, 300_000)],
        "its own folder without end": [(member(b"./", b"", b"5"), 300_000)],
        "a sparse file without end": [(header(b"s", 0, b"S"), 1), (b"0" * 504 + bytes(8), 100_000)],
    }
    for title, parts in floods.items():
        yield HostileArchive("bombs", title, partial(streamed, parts))
    yield HostileArchive("bombs", "a million files", partial(_many, 1_000_000, b"%07d"))
    yield HostileArchive("bombs", "100,000 folders", partial(_many, 100_000, b"%06d/"))
    yield HostileArchive(
        "bombs", "folders on the way", partial(_many, 9_000, b"%05d/" + b"a/" * 30)
    )
    for count in (80, 56):  # each of these signs folds to 18 others
        folded = ("\ufdfa" * count + "/%05d").encode()
        title = f"{count} signs that fold to many"
        yield HostileArchive("bombs", title, partial(_many, 12_000, folded))
    small = b"".join(b"5 %c=\n" % (97 + number % 26) for number in range(3_000))
    flood = member(b"x", small, b"x")
    yield HostileArchive("bombs", "small attributes", partial(packed, flood, member(b"a")))
    yield HostileArchive("bombs", "zeros after the gzip stream", lambda: packed() + bytes(64 * MIB))
    nested = gzip.compress(streamed([ZEROS]), 9)
    yield HostileArchive("bombs", "gzip in gzip", lambda: nested)


def _many(count: int, name: bytes) -> bytes:
    kind = b"5" if name.endswith(b"/") else b"0"
    return streamed((member(name % number, b"", kind), 1) for number in range(count))


def damaged(seed: int) -> Iterator[HostileArchive]:
    """One bit of a good archive is another one."""
    chance = random.Random(seed)
    whole = packed(member(b"weights.bin", chance.randbytes(40_000)))
    for at in sorted(chance.sample(range(10, len(whole)), 70)):
        changed = bytearray(whole)
        changed[at] ^= 1 << chance.randrange(8)
        yield HostileArchive("damaged", f"a bit of byte {at}", partial(bytes, changed))


def truncated(seed: int) -> Iterator[HostileArchive]:
    """The beginning of a good one: of the file, and of what is packed in it."""
    chance = random.Random(seed)
    whole = packed(member(b"weights.bin", chance.randbytes(40_000)))
    for at in sorted({0, 1, 9, 10, len(whole) - 1, *chance.sample(range(11, len(whole)), 40)}):
        yield HostileArchive("truncated", f"{at} bytes of the file", partial(bytes, whole[:at]))
    for at in range(0, len(GOOD) + 1, 256):
        inner = gzip.compress(GOOD[:at], 1, mtime=0)
        yield HostileArchive("truncated", f"{at} bytes of the archive", partial(bytes, inner))


def polyglots() -> Iterator[HostileArchive]:
    """Two formats in one file, or another one than it is called."""
    tar, other = GOOD + END, member(b"other.py", b"print(2)") + END
    with zipfile.ZipFile(zipped := io.BytesIO(), "w") as archive:
        archive.writestr("code/serve.py", "print(2)")
    script, good = b"#!/bin/sh\nexit 0\n", packed()
    files = {
        "zip": zipped.getvalue(),
        "tar": tar,
        "bz2": bz2.compress(tar),
        "xz": lzma.compress(tar),
        "gzip, then zip": good + zipped.getvalue(),
        "zip, then gzip": zipped.getvalue() + good,
        "gzip twice": good + gzip.compress(other),
        "gzip cut in two": gzip.compress(tar[:2048]) + gzip.compress(tar[2048:]),
        "gzip, then a script": good + script,
        "a script, then gzip": script + good,
        "gzip of gzip": gzip.compress(good),
        "gzip of zip": gzip.compress(zipped.getvalue()),
        "gzip of text": gzip.compress(script * 100),
        "gzip of nothing": gzip.compress(b""),
        "two archives in one": packed(END, other),
        "an archive after one zero block": gzip.compress(GOOD + bytes(512) + other),
        "a zip after the end": packed(END, zipped.getvalue()),
        "an image": b"\x89PNG\r\n\x1a\n" + good,
        "ELF": b"\x7fELF" + good,
        "nothing": b"",
    }
    for title, content in files.items():
        yield HostileArchive("polyglots", title, partial(bytes, content))


def lies() -> Iterator[HostileArchive]:
    """Headers that say one thing to one reader, and another one to the next."""
    flat = member(b"a", b"x" * 600)
    wrong = bytearray(flat)
    wrong[0] = ord("b")
    heads = {
        "another checksum": bytes(wrong),
        "a negative size": header(b"a", b"\xff" * 12),
        "a size of 2^80": header(b"a", b"\x80" + (1 << 80).to_bytes(11, "big")),
        "a size beyond the file": header(b"a", 1 << 30),
        "a size beyond every disk": header(b"a", 1 << 60),
        "a size that is no number": header(b"a", b"12q45678901\0"),
        "a folder with content": member(b"a/", b"x" * 600, b"5"),
        "a link with content": member(b"a", b"x" * 600, b"2", b"b"),
        "sparse": attributes((b"GNU.sparse.major", b"1"), (b"GNU.sparse.name", b"s")) + flat,
        "sparse, older": attributes((b"GNU.sparse.map", b"0,1")) + flat,
        "sparse, for all": attributes((b"GNU.sparse.size", b"9"), kind=b"g") + flat,
        "a name for all": attributes((b"path", b"../victim/target.txt"), kind=b"g") + flat,
        "a size for all": attributes((b"size", b"0"), kind=b"g") + flat,
        "a link for all": attributes((b"linkpath", b"/etc"), kind=b"g") + flat,
        "a link by attributes": attributes((b"linkpath", b"/etc")) + member(b"a", b"", b"2"),
        "a negative length of a name": header(b"././@LongLink", b"\xff" * 12, b"L") + flat,
        "a name without a member": member(b"././@LongLink", b"a\0", b"L"),
        "attributes without a member": attributes((b"path", b"a")),
        "two names": 2 * member(b"././@LongLink", b"a\0", b"L") + flat,
        "two attributes": 2 * attributes((b"path", b"a")) + flat,
        "a header of ones": b"\xff" * 512 + flat,
        "a header of letters": b"a" * 512 + flat,
        "a header without magic": b"a" + bytes(511) + flat,
    }
    sizes = (b"0", b"1", b"599", b"601", b"-1", b"1e3", b"0x258", b" 600", b"", b"9" * 30)
    heads |= {f"{size!r} by attributes": attributes((b"size", size)) + flat for size in sizes}
    good = record(b"path", b"a")
    records = {
        "no length": b"path=a\n",
        "length 0": b"0 path=a\n",
        "too long": b"99 path=a\n",
        "too short": b"5 path=a\n",
        "negative": b"-9 path=a\n",
        "no key": b"5 =a\n",
        "no value": b"8 path\n",
        "no end": good[:-1] + b"x",
        "cut off": good[:-2],
        "NUL after it": good + b"\0",
        "huge length": b"99999999999999999999 path=a\n",
    }
    heads |= {
        f"a record: {what}": member(b"x", said, b"x") + flat for what, said in records.items()
    }
    for title, part in heads.items():
        yield HostileArchive("lies", title, partial(packed, part))

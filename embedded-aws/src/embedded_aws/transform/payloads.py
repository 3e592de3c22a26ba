"""An input object in pieces that go into a request each, and answers as one output. Pure."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from embedded_aws.transform.parameters import SINGLE_RECORD, Parameters


class PayloadError(Exception):
    """An input object cannot be sent; the message goes into the job's log."""


def payloads(
    path: Path, parameters: Parameters, *, compression: str, split: str
) -> Iterator[bytes]:
    """The payloads of one input object, in order.

    Args:
        path: The object as it lies in S3.
        parameters: How large they are, and how many records they hold.
        compression: ``None`` or ``Gzip``.
        split: ``None`` (the object is one payload) or ``Line``.

    Raises:
        PayloadError: a record, or the object, is larger than a payload may be, or it is damaged.
    """
    try:
        with _opened(path, compression) as file:
            if split == "None":
                yield whole(file, parameters.limit)
                return
            single = parameters.strategy == SINGLE_RECORD
            found = records(file, parameters.limit)
            yield from found if single else batches(found, parameters.limit)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PayloadError(f"the object is no readable gzip file: {error}") from error


def records(file: BinaryIO, limit: int) -> Iterator[bytes]:
    r"""Lines, each with its ``\n``; never more than ``limit`` bytes of one are held in memory.

    Raises:
        PayloadError: a line has more than ``limit`` bytes; told is its number, from 1.
    """
    number = 0
    while line := file.readline(limit + 1):
        number += 1
        if len(line) > limit:
            raise _too_large(f"record {number}", limit)
        yield line


def batches(found: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """As many records together as fit into ``limit`` bytes, each of which fits alone."""
    batch: list[bytes] = []
    size = 0
    for record in found:
        if batch and size + len(record) > limit:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch)


def whole(file: BinaryIO, limit: int) -> bytes:
    """All of an object.

    Raises:
        PayloadError: it has more than ``limit`` bytes.
    """
    body = file.read(limit + 1)
    if len(body) > limit:
        raise _too_large("the object, which is not split,", limit)
    return body


def assembled(answer: bytes, assemble_with: str) -> bytes:
    r"""An answer as it stands in the output: by ``Line`` it ends with a ``\n``, and with one only.

    AWS's documentation does not say what becomes of an answer that ends with one already; a second
    one would be an empty line.
    """
    return answer + b"\n" if assemble_with == "Line" and not answer.endswith(b"\n") else answer


def _opened(path: Path, compression: str) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if compression == "Gzip" else path.open("rb")


def _too_large(what: str, limit: int) -> PayloadError:
    return PayloadError(f"{what} has more than {limit} bytes, the most that MaxPayloadInMB allows")

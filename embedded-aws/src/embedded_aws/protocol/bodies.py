"""What travels in an HTTP request body: chunked framings taken off, checksums held to account."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping, MutableMapping
from typing import BinaryIO

from embedded_aws.protocol.service import AwsFault


def read_chunked(stream: BinaryIO, most: int | None = None) -> bytes:
    """Read a ``Transfer-Encoding: chunked`` body to its end, trailers included.

    Args:
        stream: Where it comes from.
        most: No more bytes than one above this are read; the rest stays where it is.

    Raises:
        AwsFault: when the framing is broken.
    """
    parts: list[bytes] = []
    left = None if most is None else most + 1
    while size := _chunk_size(stream.readline(4096)):
        if left is not None and size >= left:
            return b"".join([*parts, _exactly(stream, left)])
        parts.append(_exactly(stream, size))
        left = None if left is None else left - size
        stream.readline(16)
    while stream.readline(65536).strip():
        pass
    return b"".join(parts)


def read_announced(stream: BinaryIO, length: str, most: int | None = None) -> bytes:
    """Read a body of an announced length.

    Args:
        stream: Where it comes from.
        length: The ``Content-Length``.
        most: No more bytes than one above this are kept. As many again are thrown away: who is
            closed in the middle of sending never reads why.

    Raises:
        AwsFault: when the length is none.
    """
    if not (length.isascii() and length.isdecimal()):
        raise _incomplete()
    size = int(length[:20])
    if most is None or size <= most:
        return stream.read(size) if size else b""
    body = stream.read(most + 1)
    left = min(size, 2 * most) - len(body)
    while left > 0 and (thrown := stream.read(min(left, 1 << 16))):
        left -= len(thrown)
    return body


def unwrap_aws_chunked(body: bytes, headers: MutableMapping[str, str]) -> bytes:
    r"""Take off the ``aws-chunked`` framing that SDKs put around S3 uploads.

    Each chunk is ``<hex size>[;chunk-signature=…]\r\n<data>\r\n``; behind the last, empty one come
    trailers such as ``x-amz-checksum-crc32:…``, which become ordinary headers. ``headers`` (lower
    case names) are changed to describe what is left.

    Raises:
        AwsFault: ``IncompleteBody`` when the framing or the length announced is not kept.
    """
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at)
        if end < 0:
            raise _incomplete()
        size = _chunk_size(body[at:end])
        at = end + 2
        if size == 0:
            break
        if at + size > len(body):
            raise _incomplete()
        parts.append(body[at : at + size])
        at += size + 2
    for line in body[at:].split(b"\r\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if colon and name.lower().startswith("x-amz-checksum-"):
            name = name.strip().lower()
            headers[name] = value.strip()
            algorithm = name.removeprefix("x-amz-checksum-").upper()
            headers.setdefault("x-amz-sdk-checksum-algorithm", algorithm)
    content = b"".join(parts)
    length = headers.pop("x-amz-decoded-content-length", None)
    if length is not None and int(length) != len(content):
        raise _incomplete()
    encodings = [e.strip() for e in headers.get("content-encoding", "").split(",")]
    remainder = ",".join(e for e in encodings if e and e != "aws-chunked")
    headers.pop("content-encoding", None)
    if remainder:
        headers["content-encoding"] = remainder
    for name in ("x-amz-content-sha256", "x-amz-trailer", "transfer-encoding"):
        headers.pop(name, None)
    headers["content-length"] = str(len(content))
    return content


def is_aws_chunked(headers: Mapping[str, str]) -> bool:
    """Whether an S3 body comes in the ``aws-chunked`` framing."""
    return headers.get("x-amz-content-sha256", "").startswith("STREAMING-")


def verify_checksums(body: bytes, headers: Mapping[str, str]) -> None:
    """Hold an S3 upload to the checksums that it announces, as S3 does (moto looks away).

    Raises:
        AwsFault: ``BadDigest``, ``InvalidDigest`` or ``XAmzContentSHA256Mismatch``.
    """
    for name, digest in _DIGESTS.items():
        header = headers.get(name)
        if header is None:
            continue
        try:
            checksum = base64.b64decode(header, validate=True)
        except binascii.Error:
            raise AwsFault(
                "InvalidDigest", f"The value specified for {name} was invalid."
            ) from None
        if digest(body) != checksum:
            raise AwsFault("BadDigest", f"The {_LABELS[name]} you specified did not match the "
                           "calculated checksum.")  # fmt: skip
    signature = headers.get("x-amz-content-sha256", "")
    if len(signature) == 64 and hashlib.sha256(body).hexdigest() != signature:
        raise AwsFault(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )


_DIGESTS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body, usedforsecurity=False).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body, usedforsecurity=False).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}
_LABELS = {
    "content-md5": "Content-MD5",
    "x-amz-checksum-crc32": "CRC32",
    "x-amz-checksum-sha1": "SHA1",
    "x-amz-checksum-sha256": "SHA256",
}


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.split(b";", 1)[0].strip(), 16)
    except ValueError:
        raise _incomplete() from None
    if size < 0:
        raise _incomplete()
    return size


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise _incomplete()
    return data


def _incomplete() -> AwsFault:
    return AwsFault(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    )

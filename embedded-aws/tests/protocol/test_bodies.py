import base64
import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.protocol.bodies import (
    read_announced,
    read_chunked,
    unwrap_aws_chunked,
    verify_checksums,
)
from embedded_aws.protocol.service import AwsFault

pieces = st.lists(st.binary(min_size=1, max_size=200), max_size=8)


def framed(chunks, *, signature="", trailers=()):
    lines = [b"%x%s\r\n%s\r\n" % (len(c), signature.encode(), c) for c in chunks]
    return b"".join([*lines, b"0%s\r\n" % signature.encode(), *trailers, b"\r\n"])


@given(pieces)
def test_a_chunked_body_is_put_together_and_nothing_behind_it_is_eaten(chunks):
    stream = io.BytesIO(framed(chunks, trailers=[b"a: b\r\n"]) + b"GET / HTTP/1.1")
    assert read_chunked(stream) == b"".join(chunks)
    assert stream.read() == b"GET / HTTP/1.1"


@given(pieces, st.sampled_from(["", ";chunk-signature=" + "0" * 64]))
def test_aws_chunked_is_taken_off_with_its_trailers(chunks, signature):
    content = b"".join(chunks)
    checksum = base64.b64encode(zlib.crc32(content).to_bytes(4, "big")).decode()
    trailer = f"x-amz-checksum-crc32:{checksum}\r\n".encode()
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "content-encoding": "gzip,aws-chunked",
        "x-amz-decoded-content-length": str(len(content)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    body = framed(chunks, signature=signature, trailers=[trailer])
    assert unwrap_aws_chunked(body, headers) == content
    assert headers == {
        "content-encoding": "gzip",
        "content-length": str(len(content)),
        "x-amz-checksum-crc32": checksum,
        "x-amz-sdk-checksum-algorithm": "CRC32",
    }
    verify_checksums(content, headers)


@given(st.binary(min_size=1, max_size=100), st.data())
def test_what_breaks_off_is_noticed(content, data):
    body = framed([content])
    cut = data.draw(st.integers(0, len(body) - len(b"0\r\n\r\n") - 3))
    headers = {"x-amz-decoded-content-length": str(len(content))}
    with pytest.raises(AwsFault, match="did not provide the number of bytes"):
        unwrap_aws_chunked(body[:cut], headers)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_checksum_holds_only_for_its_own_body(one, other):
    checksum = base64.b64encode(zlib.crc32(one).to_bytes(4, "big")).decode()
    headers = {"x-amz-checksum-crc32": checksum}
    if zlib.crc32(one) == zlib.crc32(other):
        verify_checksums(other, headers)
    else:
        with pytest.raises(AwsFault) as caught:
            verify_checksums(other, headers)
        assert caught.value.code == "BadDigest"


def test_a_checksum_that_is_none_is_refused():
    with pytest.raises(AwsFault) as caught:
        verify_checksums(b"", {"content-md5": "not base64!"})
    assert caught.value.code == "InvalidDigest"


@pytest.mark.parametrize("size", [0, 9, 10, 11, 30])
def test_no_more_is_kept_than_tells_that_it_is_too_much(size):
    content = b"x" * size
    chunked = b"".join(b"3\r\n%s\r\n" % content[n : n + 3] for n in range(0, size - 2, 3))
    rest = content[size - size % 3 :]
    chunked += (b"%x\r\n%s\r\n" % (len(rest), rest) if rest else b"") + b"0\r\n\r\n"
    assert read_chunked(io.BytesIO(chunked), 10) == content[:11]
    assert read_announced(io.BytesIO(content), str(size), 10) == content[:11]


@pytest.mark.parametrize("size", ["-5", "zz", "1_0"])
def test_a_length_that_is_none_is_no_length(size):
    with pytest.raises(AwsFault):
        read_announced(io.BytesIO(b"x" * 100), size)


def test_a_chunk_of_fewer_than_no_bytes_is_refused():
    with pytest.raises(AwsFault):
        read_chunked(io.BytesIO(b"-5\r\nhello\r\n0\r\n\r\n"))

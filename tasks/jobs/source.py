"""Archives of source code, kept where jobs can read them."""

from __future__ import annotations

from tasks import objects


def put_source(bucket: str, code_hash: str, archive: bytes) -> str:
    """Keep the source archive under its hash; its S3 address."""
    key = f"code/{code_hash}/sourcedir.tar.gz"
    if not objects.exists(bucket, key):
        objects.create(bucket, key, archive, content_type="application/gzip")
    return f"s3://{bucket}/{key}"

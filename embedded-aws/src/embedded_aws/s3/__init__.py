"""What S3 refuses, and moto would take: asked before moto, and in S3's own words.

The errors are those of AWS's documentation, and of answers that others recorded from AWS itself.
"""

from __future__ import annotations

from collections.abc import Callable

from embedded_aws.protocol.service import Request, Response
from embedded_aws.s3.preconditions import check_source, check_target

_Answer = Callable[[Request], Response]


def answer(request: Request, now: float, moto: _Answer) -> Response:
    """Answer a request to S3.

    Nobody else may write meanwhile to what the request writes and copies.

    Args:
        request: As moto takes it: the bucket stands in the path.
        now: Virtual unix time.
        moto: Answers what is not refused.

    Raises:
        AwsFault: S3 refuses it.
    """
    check_source(request, now)
    check_target(request)
    return moto(request)

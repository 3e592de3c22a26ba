"""What S3 refuses or tells otherwise than moto: asked before moto, and in S3's own words.

The errors are those of AWS's documentation, and of answers that others recorded from AWS itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from embedded_aws.protocol.service import Request, Response
from embedded_aws.s3 import locks
from embedded_aws.s3.deletions import delete_object, delete_objects, keys_in
from embedded_aws.s3.encryption import with_key
from embedded_aws.s3.forms import check_form, key_in
from embedded_aws.s3.notifications import telling_of
from embedded_aws.s3.objects import place_of, source_of
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
    if request.action == "PostObject":
        check_form(request, time.time())
    check_source(request, now)
    check_target(request)
    if request.action == "DeleteObjects":
        return delete_objects(request, moto)
    if request.action == "DeleteObject":
        request = delete_object(request)
    request = with_key(request)
    with telling_of(request.action):
        return locks.answer(request, now, moto)


def touched(request: Request) -> set[str]:
    """Paths of what a request writes, and of what it is copied from.

    Others may not write there while its conditions are asked and it is answered.
    """
    place, source = place_of(request), source_of(request)
    paths = {f"/{place.bucket}/{place.key}"}
    if source is not None:
        paths.add(f"/{source.bucket}/{source.key}")
    if request.action == "PostObject":
        paths.add(f"/{place.bucket}/{key_in(request)}")
    if request.action == "DeleteObjects":
        paths |= {f"/{place.bucket}/{key}" for key in keys_in(request.body)}
    return paths

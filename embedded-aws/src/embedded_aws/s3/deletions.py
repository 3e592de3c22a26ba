"""Conditions on what is deleted.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html: they are held
against the current version, whichever one is deleted; where a delete marker or nothing lies on top,
there is no object to match.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.s3.documents import document, malformed
from embedded_aws.s3.objects import Place, bucket_of, object_at, place_of
from embedded_aws.s3.preconditions import failed, is_tag, no_such_key, not_implemented

# Conditions of directory buckets, of which there are none here. For the headers S3 has been
# recorded to answer NotImplemented; for the elements nobody tells, only that nothing is deleted.
# They are refused like ETag was before S3 had conditional deletes: as no part of the schema.
_HEADERS = ("x-amz-if-match-last-modified-time", "x-amz-if-match-size")
_ELEMENTS = frozenset({"LastModifiedTime", "Size"})
_ROOT = "DeleteResult"
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def delete_object(request: Request) -> Request:
    """Hold a deletion to its conditions.

    Returns:
        What moto is asked: without the condition, of which it does not know ``*``.

    Raises:
        AwsFault: ``PreconditionFailed``, ``NoSuchKey``, or ``NotImplemented``.
    """
    for header in _HEADERS:
        if header in request.headers:
            raise not_implemented(header)
    bypass = "x-amz-bypass-governance-retention"
    if request.headers.get(bypass, "true").lower() != "true":  # moto takes any text for true
        headers = {name: text for name, text in request.headers.items() if name != bypass}
        request = replace(request, headers=headers)
    match, place = request.headers.get("if-match"), place_of(request)
    if not match or bucket_of(place.bucket) is None:
        return request
    _check(place, match)
    return replace(request, headers={k: v for k, v in request.headers.items() if k != "if-match"})


def delete_objects(request: Request, moto: Callable[[Request], Response]) -> Response:
    """Delete those objects whose conditions hold, and tell of the others.

    Args:
        request: DeleteObjects.
        moto: Deletes.

    Raises:
        AwsFault: ``MalformedXML``.
    """
    bucket = place_of(request).bucket
    asked = _document(request.body)
    objects = asked["Delete"]["Object"]
    if any(_ELEMENTS & set(one) for one in objects):
        raise malformed()
    if bucket_of(bucket) is None or not any(one.get("ETag") for one in objects):
        return moto(request)
    errors, kept = "", []
    for one in objects:
        try:
            if one.get("ETag"):
                _check(Place(bucket, one["Key"]), one["ETag"])
        except AwsFault as fault:
            errors += _error(one, fault)
        else:
            kept.append(one)
    if not kept:
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        xml = f'{head}<{_ROOT} xmlns="{_NAMESPACE}">{errors}</{_ROOT}>'
        return Response(200, xml.encode(), {"content-type": "application/xml"})
    asked["Delete"]["Object"] = kept
    response = moto(_with_body(request, asked))
    before, end, after = response.body.rpartition(f"</{_ROOT}>".encode())
    return replace(response, body=before + errors.encode() + end + after)


def keys_in(body: bytes) -> Sequence[str]:
    """Keys of the objects that a body of DeleteObjects names; none when it cannot be read."""
    return [key for key, _version in objects_in(body)]


def objects_in(body: bytes) -> Sequence[tuple[str, str]]:
    """Keys and versions that a body of DeleteObjects names; a version is "" for the current one."""
    try:
        objects = _document(body)["Delete"]["Object"]
    except AwsFault:
        return ()
    return [(one["Key"], one.get("VersionId") or "") for one in objects]


def _check(place: Place, match: str) -> None:
    target = object_at(place._replace(version=""))
    if target is None:
        raise no_such_key(place.key)
    if not is_tag(match, target.etag):
        raise failed("If-Match")


def _document(body: bytes) -> dict[str, Any]:
    read = document(body, strip_whitespace=False, force_list=("Object",))
    objects = (read.get("Delete") or {}).get("Object", [])
    if not objects or not all(isinstance(one, dict) and one.get("Key") for one in objects):
        raise malformed()
    return read


def _with_body(request: Request, asked: dict[str, Any]) -> Request:
    import xmltodict  # type: ignore[import-untyped]  # moto's, which reads it again

    body = _plain(xmltodict.unparse(asked)).encode()
    return replace(
        request, body=body, headers={**request.headers, "content-length": str(len(body))}
    )


def _error(one: Mapping[str, Any], fault: AwsFault) -> str:
    members = {name: one[name] for name in ("Key", "VersionId") if one.get(name)}
    members |= {"Code": fault.code, "Message": fault.message}
    inner = "".join(f"<{k}>{_plain(escape(str(v)))}</{k}>" for k, v in members.items())
    return f"<Error>{inner}</Error>"


def _plain(xml: str) -> str:
    """XML whose returns stay returns: who reads it would take them for line feeds."""
    return xml.replace("\r", "&#13;")

"""Bodies of S3's requests, read with the parser that moto reads them with."""

from __future__ import annotations

from typing import Any
from xml.parsers.expat import ExpatError

from embedded_aws.protocol.service import AwsFault


def document(body: bytes, **how: Any) -> dict[str, Any]:
    """A body as nested mappings; ``how`` goes to `xmltodict.parse`.

    Raises:
        AwsFault: ``MalformedXML``.
    """
    import xmltodict  # type: ignore[import-untyped]  # moto's own

    try:
        return dict(xmltodict.parse(body, **how))
    except ExpatError as error:
        raise malformed() from error


def malformed() -> AwsFault:
    """The error for a body that cannot be read, or lacks what belongs into it."""
    return AwsFault(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )

"""Documents that are stored as JSON: what does not parse is named, with the way to mend it.

Those on which it depends what users get begin with the SHA-256 of what follows. A flipped bit can
leave JSON as it should be, of another meaning; it cannot leave the digest right. It is a guard
against damage, not against people: who may write the document may write its digest.
"""

from __future__ import annotations

import hashlib
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tasks.errors import RecordUnreadable, SluiceError

Document = TypeVar("Document", bound=BaseModel)
_DIGEST = b'{"sha256":"'
_HEAD = re.compile(rb'\{"sha256":"([0-9a-f]{64})",')
MEND = "Restore the object's earlier version from the bucket's history."


def written(document: BaseModel, indent: int | None = None) -> bytes:
    """A document as JSON that begins with the digest of what follows it."""
    rest = document.model_dump_json(indent=indent).encode()[1:]
    return _DIGEST + hashlib.sha256(rest).hexdigest().encode() + b'",' + rest


def opened(body: bytes | str) -> bytes:
    """A document's JSON without its digest; as it is, if it has none (older ones, and people's).

    Raises:
        ValueError: these are not the bytes that were written.
    """
    raw = body.encode() if isinstance(body, str) else body
    if not raw.startswith(_DIGEST):
        return raw
    head = _HEAD.match(raw)
    if head is None:
        raise ValueError("its digest is no SHA-256")
    rest = raw[head.end() :]
    digest = hashlib.sha256(rest).hexdigest()
    if digest != head[1].decode():
        raise ValueError(f"its bytes have the SHA-256 {digest[:12]}…, not the one they came with")
    return b"{" + rest


def parsed(
    form: type[Document],
    body: bytes | str,
    name: str,
    error: type[SluiceError] = RecordUnreadable,
    mend: str = MEND,
) -> Document:
    """A stored document.

    Args:
        form: What it is.
        body: The object's bytes.
        name: The object's name, for people.
        error: What is raised, where somebody tells such faults apart.
        mend: What to do about it.

    Raises:
        SluiceError: ``error``, since it does not parse, or is not what was written.
    """
    try:
        return form.model_validate_json(opened(body))
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise error(f"{name} does not parse: {where}: {first['msg']}.", mend) from fault
    except ValueError as fault:
        raise error(f"{name} is damaged: {fault}.", mend) from fault

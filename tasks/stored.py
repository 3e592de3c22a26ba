"""Documents that are stored as JSON: what does not parse is named, with the way to mend it."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tasks.errors import RecordUnreadable, SluiceError

Document = TypeVar("Document", bound=BaseModel)
MEND = "Restore the object's earlier version from the bucket's history."


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
        SluiceError: ``error``, since it does not parse.
    """
    try:
        return form.model_validate_json(body)
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise error(f"{name} does not parse: {where}: {first['msg']}.", mend) from fault

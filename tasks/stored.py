"""Documents that are stored as JSON: what does not parse is named, with the way to mend it."""

from __future__ import annotations

from typing import TypeVar

from tasks.errors import BundleCorrupt
from tasks.values import Frozen

Document = TypeVar("Document", bound=Frozen)


def parsed(form: type[Document], body: bytes, name: str) -> Document:
    """A stored document.

    Args:
        form: What it is.
        body: The object's bytes.
        name: The object's name, for people.

    Raises:
        BundleCorrupt: it does not parse.
    """
    try:
        return form.model_validate_json(body)
    except ValueError as error:
        raise BundleCorrupt(
            f"{name} does not parse: {error}.",
            "Restore the object's earlier version from the bucket's history.",
        ) from error

"""Which columns of a Parquet file Arrow can read as dictionaries. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_READ = frozenset({"PLAIN", "PLAIN_DICTIONARY", "RLE_DICTIONARY", "RLE", "BIT_PACKED"})


def read_as_dictionaries(metadata: Any, names: Iterable[str]) -> list[str]:
    """Those of some text columns that Arrow can read as dictionaries.

    It cannot where a page is delta-encoded (``DELTA_BYTE_ARRAY``, ``DELTA_LENGTH_BYTE_ARRAY``), as
    version 2 of many writers does once a dictionary would not pay; one such row group is enough.

    Args:
        metadata: The file's ``pyarrow.parquet.FileMetaData``.
        names: Names of flat columns; those that the file lacks are left out.
    """
    asked = set(names)
    leaves = {metadata.schema.column(index).path: index for index in range(metadata.num_columns)}
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    return [
        name
        for name, index in leaves.items()
        if name in asked
        and all(_READ.issuperset(group.column(index).encodings) for group in groups)
    ]

"""A form, as a browser sends it."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping

BOUNDARY = "b0undary"


def sent(url: str, fields: Mapping[str, str], body: str = "x") -> int:
    """Status of an answer to a form with a file."""
    parts = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {**fields, "file": body}.items()
    )
    request = urllib.request.Request(
        url,
        data=f"{parts}--{BOUNDARY}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code

"""What clients of the CDN get. Thin."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Cdn:
    """The public address of the registry; "" when there is none to look at."""

    url: str

    @property
    def address(self) -> str:
        """Where it reads, or in brackets why it cannot."""
        return self.url or "(not seen from outside: SLUICE_CDN_URL is empty)"

    def read(self, path: str) -> bytes | None:
        """A file as the CDN answers it; None when it does not answer with one."""
        url = f"{self.url.rstrip('/')}/{quote(path)}"
        if urlsplit(url).scheme not in {"http", "https"}:
            return None
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            return None

"""Signing in to the laptop's Prefect over plain HTTP, as its own clients and its UI do."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Generator

import httpx

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SignedIn(httpx.Auth):
    """Adds the credential to each request, and to those that change something the CSRF token.

    Args:
        api: Address of the API.
        credential: ``user:password``.
    """

    requires_response_body = True  # of the answer that brings the token

    def __init__(self, api: str, credential: str) -> None:
        encoded = base64.b64encode(credential.encode()).decode()
        self._basic = {"Authorization": f"Basic {encoded}"}
        self._client = str(uuid.uuid4())
        self._token_url = httpx.URL(f"{api}/csrf-token", params={"client": self._client})
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, with a new token where the server does not know the old one any more."""
        request.headers.update(self._basic)
        if request.method not in CHANGING:
            yield request
            return
        for fresh in (not self._token, True):
            if fresh:
                answer = yield httpx.Request("GET", self._token_url, headers=self._basic)
                self._token = answer.json()["token"] if answer.is_success else ""
            request.headers["Prefect-Csrf-Token"] = self._token
            request.headers["Prefect-Csrf-Client"] = self._client
            answer = yield request
            if answer.status_code != httpx.codes.FORBIDDEN:
                return

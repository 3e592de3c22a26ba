"""For a server that only programs of its own machine may ask: no page of a browser, no other name.

A page can post to any port of the machine that it is shown on, and what it posts would be predicted
and counted as a user's.
"""

from __future__ import annotations

from typing import Any

BROWSERS_OWN = frozenset({b"origin", b"sec-fetch-site"})
"""Headers that a browser adds to what pages send, and pages cannot leave out."""
REFUSED = b"This server answers programs of its machine, not pages."


class OnlyPrograms:
    """An ASGI application before another.

    Args:
        app: What answers.
        names: Host names under which it may be asked.
    """

    def __init__(self, app: Any, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, or refuse with 403."""
        headers = dict(scope.get("headers", ()))
        host = headers.get(b"host", b"").decode("latin-1").partition(":")[0].lower()
        strange = host not in self._names or BROWSERS_OWN & headers.keys()
        if scope["type"] == "lifespan" or not strange:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            length = str(len(REFUSED)).encode()
            fields = [(b"content-type", b"text/plain"), (b"content-length", length)]
            await send({"type": "http.response.start", "status": 403, "headers": fields})
            await send({"type": "http.response.body", "body": REFUSED})
        else:
            await send({"type": "websocket.close", "code": 1008})

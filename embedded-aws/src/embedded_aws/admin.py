"""The admin path, ``/_embedded/…``: what a test or a person can ask of the machine room itself.

==============================  ==============================================================
``GET /_embedded/health``        ``{"status": "ok"}`` as soon as every service answers
``GET /_embedded/recovering``    ``endpoints`` of an earlier process that do not serve yet
``GET /_embedded/clock``         virtual time: ``now``, ``epoch``, ``scale``
``GET /_embedded/things``        names and statuses of jobs, models, endpoints …
``GET /_embedded/calls``         counts per action and the last calls (``?service=&action=&limit=``)
``DELETE /_embedded/calls``      forget them
``GET /_embedded/faults``        the faults set, with their hits
``POST /_embedded/faults``       set one fault (an object) or several (a list)
``DELETE /_embedded/faults``     clear all; ``DELETE /_embedded/faults/<id>`` one
``GET /_embedded/s3/<bucket>/…`` an object or a prefix, as a browser shows it
==============================  ==============================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.calls import Calls
from embedded_aws.clock import Clock
from embedded_aws.faults import Fault, Faults
from embedded_aws.protocol.service import Request, Response


class Admin:
    """Answers the admin path.

    Args:
        clock: Virtual clock.
        faults: The faults to set and list.
        calls: The calls to tell.
        things: Gives what exists, by kind.
        browse: Shows what lies at ``<bucket>/<key>``, percent-encoded, in S3.
        recovering: Gives the endpoints that do not serve yet.
    """

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        calls: Calls,
        things: Callable[[], dict[str, Any]],
        browse: Callable[[str], Response],
        recovering: Callable[[], list[str]] = list,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._calls = calls
        self._things = things
        self._browse = browse
        self._recovering = recovering

    def __call__(self, request: Request) -> Response:
        """Answer one admin request."""
        name, _, rest = request.path.removeprefix("/_embedded/").partition("/")
        if name == "faults":
            return self._on_faults(request, rest)
        if name == "calls" and request.method == "DELETE":
            self._calls.clear()
            return _json({})
        if request.method != "GET":
            return _json({"error": f"no {request.method} {request.path}"}, 405)
        if name == "health":
            return _json({"status": "ok"})
        if name == "recovering":
            return _json({"endpoints": self._recovering()})
        if name == "clock":
            clock = self._clock
            return _json({"now": clock.now(), "epoch": clock.epoch, "scale": clock.scale})
        if name == "s3":
            return self._browse(rest)
        if name == "things":
            return _json(self._things())
        if name == "calls":
            filters = {key: values[0] for key, values in parse_qs(request.query).items()}
            return _json(
                self._calls.report(
                    filters.get("service", "*"),
                    filters.get("action", "*"),
                    int(filters.get("limit", "100")),
                )
            )
        return _json({"error": f"no {request.path}"}, 404)

    def _on_faults(self, request: Request, fault_id: str) -> Response:
        if request.method == "GET":
            return _json({"faults": [_document(f) for f in self._faults.list()]})
        if request.method == "DELETE":
            count = self._faults.clear(fault_id or None)
            if fault_id and not count:
                return _json({"error": f"no fault {fault_id}"}, 404)
            return _json({"cleared": count})
        if request.method == "POST":
            try:
                document = json.loads(request.body)
                entries = document if isinstance(document, list) else [document]
                faults = [self._faults.add(**fault) for fault in entries]
            except (ValueError, TypeError) as error:
                return _json({"error": str(error)}, 400)
            return _json({"faults": [_document(f) for f in faults]}, 201)
        return _json({"error": f"no {request.method} {request.path}"}, 405)


def _document(fault: Fault) -> dict[str, Any]:
    return {**asdict(fault), "used_up": fault.used_up}


def _json(value: object, status: int = 200) -> Response:
    body = json.dumps(value, default=str).encode() + b"\n"
    return Response(status, body, {"content-type": "application/json"})

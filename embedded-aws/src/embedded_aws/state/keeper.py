"""Stands before moto: what a request has changed is kept before the request is answered."""

# ruff: noqa: SLF001  what is written down are moto's own attributes

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Callable
from typing import Any, Protocol, cast

from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.protocol.wire import protocol_of
from embedded_aws.state import dynamodb, logs
from embedded_aws.state.pen import backend, read, written
from embedded_aws.state.s3 import S3Keeper
from embedded_aws.state.store import StateError, Store, cannot_keep

log = logging.getLogger(__name__)

KIND = "backend"
_READS = re.compile(
    "(Get|List|Describe|Query|Scan|BatchGet|Search|Lookup|Filter|Head|Select|Simulate|Validate"
    "|Estimate|Encrypt|Decrypt|GenerateDataKey|GenerateRandom|Sign|Verify|TransactGet)"
)
# Requests to these change other services too: what they made must be looked for everywhere.
_REACH_FAR = frozenset({"cloudformation", "tagging", "resource-groups"})
# Where events of EventBridge may be delivered to.
_DELIVERED_TO = ("sqs", "sns", "logs", "events")
# Lines of logs go to their journal when they come; nothing else of a stream needs to be kept then.
_LINES = "PutLogEvents"


class _Moto(Protocol):
    def handle(self, request: Request) -> Response: ...

    def close(self) -> None: ...

    def backend_name(self, request: Request) -> str: ...


class Keeper:
    """moto, and its memory on disk; a Service.

    Args:
        moto: Answers.
        store: Keeps.
        account: Whose state.
    """

    def __init__(self, moto: _Moto, store: Store, account: str) -> None:
        self._moto = moto
        self._store = store
        self._account = account
        self._s3 = S3Keeper(store, account)
        self._lock = threading.RLock()
        self._digests: dict[tuple[str, str], bytes] = {}
        self._unkept = False

    def restore(self) -> None:
        """Put back what was kept, into a moto that holds nothing."""
        self._s3.restore()
        for service, region, value in self._store.records(KIND):
            moto_backend = backend(service, self._account, region)
            try:
                moto_backend.__dict__.update(read(self._store, value))
            except Exception as error:
                raise StateError(
                    f"What {self._store.folder} holds of {service} cannot be read ({error!r}). "
                    "Nothing was changed. Next: put the folder back from a copy, or remove all "
                    "state (make clean)."
                ) from error
            self._digests[service, region] = hashlib.sha256(value).digest()
        dynamodb.restore_items(self._store)
        logs.restore_lines(self._store)
        logs.begin(self._store)
        _teach_sqs()

    def handle(self, request: Request) -> Response:
        """Let moto answer; a change that cannot be kept is refused.

        Raises:
            AwsFault: ``ServiceUnavailable`` (503) when the disk does not take it.
        """
        if not changes(request):
            return self._moto.handle(request)
        if self._unkept:  # something is in memory that is not on the disk: first things first
            self._keep_everything()
        try:
            response = self._moto.handle(request)
        except BaseException:
            self._keep(request)  # a refused batch may be half done
            raise
        self._keep(request)
        return response

    def keep_deliveries(self) -> None:
        """Keep what events have changed that no request has sent.

        Raises:
            AwsFault: the disk does not take it; it is kept with the next change.
        """
        try:
            with self._lock, self._store.write():
                for service in _DELIVERED_TO:
                    self._keep_backends(service)
        except AwsFault:
            self._unkept = True
            self._digests.clear()
            raise

    def close(self) -> None:
        """Keep nothing any more."""
        logs.end()
        self._moto.close()

    def _keep(self, request: Request) -> None:
        try:
            self._keep_of(request)
        except (AwsFault, OSError) as error:
            self._unkept = True
            self._digests.clear()
            if isinstance(error, AwsFault):
                raise
            raise cannot_keep(self._store.folder, error) from error

    def _keep_of(self, request: Request) -> None:
        service = self._moto.backend_name(request)
        with self._lock, self._store.write():
            if request.service in _REACH_FAR:
                self._keep_everything()
            elif service == "s3":
                self._s3.keep(request)
            elif service == "dynamodb" and request.action in dynamodb.ITEM_ACTIONS:
                if not dynamodb.keep_items(self._store, request, self._account):
                    self._keep_backends(service)
            elif service == "logs" and request.action == _LINES:
                pass
            elif service:
                self._keep_backends(service)
            if _stirred and service != "sqs":
                self._keep_backends("sqs")

    def _keep_everything(self) -> None:
        with self._lock, self._store.write():
            try:
                self._s3.keep_all()
                for service in _in_use():
                    self._keep_backends(service)
            except OSError as error:
                raise cannot_keep(self._store.folder, error) from error
        self._unkept = False

    def _keep_backends(self, service: str) -> None:
        """Keep every region of a service, where it has changed."""
        if service == "sqs":
            _stirred.clear()
        if service == "s3":
            return
        for region, moto_backend in list(backend(service)[self._account].items()):
            value = written(self._store, moto_backend.__dict__)
            digest = hashlib.sha256(value).digest()
            if self._digests.get((service, region)) == digest:
                continue
            # Forgotten first: should the transaction be undone, it is written anew.
            self._digests.pop((service, region), None)
            self._store.put(KIND, service, region, value)
            self._digests[service, region] = digest
            if service == "dynamodb":
                dynamodb.keep_all_items(self._store, self._account, region)
            if service == "logs":
                logs.forget_lines(self._store, self._account, region)


def changes(request: Request) -> bool:
    """Whether a request may change what its service holds."""
    if protocol_of(request) in {"s3", "rest-xml", "rest-json"}:
        return request.method not in {"GET", "HEAD", "OPTIONS"}
    return _READS.match(request.action) is None


_stirred: set[str] = set()
"""Regions whose queues got a message from another service (S3, SNS, EventBridge)."""


def _teach_sqs() -> None:
    """Let moto's queues tell of messages from wherever they come. Safe to repeat."""
    from moto.sqs.models import SQSBackend

    if hasattr(SQSBackend.send_message, "kept"):
        return
    stock: Callable[..., Any] = SQSBackend.send_message

    def send_message(self: Any, *args: Any, **kwargs: Any) -> Any:
        _stirred.add(self.region_name)
        return stock(self, *args, **kwargs)

    send_message.kept = True  # type: ignore[attr-defined]
    setattr(SQSBackend, "send_message", send_message)  # noqa: B010


def _in_use() -> list[str]:
    """Services of which anything was asked."""
    from moto.core.base_backend import BackendDict

    names = set()
    for services in list(cast("Any", BackendDict)._instances):
        module = services.backend.__module__.split(".")[1]
        names.add({"awslambda": "lambda"}.get(module, module))
    return sorted(names)

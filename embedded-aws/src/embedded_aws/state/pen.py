"""Writes moto's objects down and reads them back.

What moto holds are plain Python objects. They are pickled, with four exceptions: a backend is named
instead of written (they refer to each other), locks are made anew, bodies of S3 objects stay where
they are, and what is kept on its own (an S3 bucket's objects, a table's items, a log stream's
lines) is left out of its owner.
"""

# ruff: noqa: SLF001  what is written down are moto's own attributes

from __future__ import annotations

import io
import pickle
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable
from types import FunctionType
from typing import Any

from embedded_aws.protocol.service import AwsFault
from embedded_aws.state.store import Store

# Bodies up to this size lie beside their metadata, and in memory.
SMALL = 4096
_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event)


class KeptBody:
    """The body of an S3 object in its file, with as much of a file's manners as moto needs."""

    def __init__(self, store: Store, name: str, size: int) -> None:
        self.name = name
        self.size = size
        self._store = store
        self._at = 0

    def seek(self, offset: int) -> int:
        """Go to a place."""
        self._at = offset
        return offset

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            AwsFault: ``InternalError`` when the file is not what was kept.
        """
        path = self._store.body(self.name)
        try:
            with path.open("rb") as file:
                whole = file.seek(0, io.SEEK_END) == self.size
                file.seek(self._at)
                data = file.read(size)
        except OSError:
            whole, data = False, b""
        if not whole:
            raise AwsFault(
                "InternalError", f"The body {path} is torn or missing: the disk has lost it.", 500
            )
        self._at += len(data)
        return data

    def close(self) -> None:
        """The file stays: other versions may have the same body."""


def settle_body(store: Store, key: Any) -> None:
    """Move the body of a new S3 object out of memory, where it is large."""
    if isinstance(key._value_buffer, KeptBody) or key.contentsize <= SMALL:
        return
    name = store.keep_body(key.value)
    with key.lock:
        key._value_buffer.close()
        key._value_buffer = KeptBody(store, name, key.contentsize)


def written(store: Store, value: Any) -> bytes:
    """An object of moto's as bytes.

    Raises:
        OSError: a body could not be written.
        AwsFault: ``NotImplemented`` for what cannot be written down.
    """
    for _ in range(20):
        file = io.BytesIO()
        try:
            _Pen(file, store).dump(value)
        except RuntimeError:  # it changed under our hands: another request is at it, write anew
            continue
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise AwsFault(
                "NotImplemented",
                f"The embedded AWS cannot keep this in its state folder ({error}). Next: start it "
                "without one to use this service.",
                501,
            ) from error
        return file.getvalue()
    raise AwsFault("InternalError", "What is to be kept does not stand still.", 500)


def read(store: Store, data: bytes) -> Any:
    """The object that :func:`written` wrote."""
    return _Reader(io.BytesIO(data), store).load()


class _Pen(pickle.Pickler):
    def __init__(self, file: io.BytesIO, store: Store) -> None:
        super().__init__(file, protocol=5)
        self._store = store

    def persistent_id(self, obj: Any) -> Any:
        from moto.core.base_backend import BackendDict, BaseBackend

        if isinstance(obj, BaseBackend):
            service = type(obj).__module__.split(".")[1]
            return ("backend", service, obj.account_id, obj.region_name)
        if isinstance(obj, BackendDict):
            return ("backends", obj.service_name)
        if isinstance(obj, KeptBody):
            return ("body", obj.name, obj.size)
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _LOCKS):
            kind = type(obj)
            names = {type(threading.Lock()): "Lock", type(threading.RLock()): "RLock"}
            return (_made, (names.get(kind, kind.__name__),))
        if isinstance(obj, FunctionType) and obj.__qualname__.startswith(
            "SimpleSystemManagerBackend.__init__.<locals>"
        ):
            return (_nesting, ())  # a factory of dictionaries of dictionaries
        if isinstance(obj, defaultdict) and type(obj) is not defaultdict:
            # These ask for more than a factory when they are made.
            state = dict(obj.__dict__)
            return (_bare_dict, (type(obj), obj.default_factory), state, None, iter(obj.items()))
        if hasattr(obj, "private_bytes") and type(obj).__module__.startswith("cryptography."):
            return (_private_key, (_private_bytes(obj),))
        return _parts(self._store, obj)


def _parts(store: Store, obj: Any) -> Any:
    """Classes that are written without what is kept on its own."""
    kind = type(obj)
    if kind.__module__ == "moto.s3.models" and kind.__name__ == "FakeKey":
        settle_body(store, obj)
        state = dict(obj.__dict__)
        del state["lock"]
        state.pop("_kept", None)
        if not isinstance(obj._value_buffer, KeptBody):
            state["_value_buffer"] = obj.value
        return (_bare, (kind,), state, None, None, _set_key)
    emptying: Callable[[Any], dict[str, Any]] | None = _KEPT_APART.get(
        (kind.__module__, kind.__name__)
    )
    if emptying is None:
        return NotImplemented
    # Not as arguments: a stream knows its group, which knows its streams.
    return (_bare, (kind,), {**obj.__dict__, **emptying(obj)})


def _emptied_bucket(bucket: Any) -> dict[str, Any]:
    return {"keys": type(bucket.keys)(), "multiparts": type(bucket.multiparts)()}


_KEPT_APART: dict[tuple[str, str], Callable[[Any], dict[str, Any]]] = {
    ("moto.s3.models", "FakeBucket"): _emptied_bucket,
    ("moto.dynamodb.models.table", "Table"): lambda _: {"items": defaultdict(dict)},
    ("moto.logs.models", "LogStream"): lambda _: {"events": []},
}


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, store: Store) -> None:
        super().__init__(file)
        self._store = store

    def persistent_load(self, pid: Any) -> Any:
        if pid[0] == "body":
            return KeptBody(self._store, pid[1], pid[2])
        return backend(*pid[1:])


def backend(service: str, account: str | None = None, region: str | None = None) -> Any:
    """A backend of moto's, or all of a service."""
    from typing import cast

    from moto import backends

    # Packages whose name is not the service's.
    service = {"awslambda": "lambda", "ec2instanceconnect": "ec2-instance-connect"}.get(
        service, service
    )
    regions: Any = cast("Any", backends).get_backend(service)
    return regions if account is None else regions[account][region]


def _made(kind: str) -> Any:
    return getattr(threading, kind)()


def _private_bytes(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    der: bytes = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return der


def _private_key(data: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(data, password=None)


def _nested() -> Any:
    return defaultdict(dict)


def _nesting() -> Any:
    return _nested


def _bare(kind: Any) -> Any:
    return kind.__new__(kind)


def _bare_dict(kind: Any, factory: Any) -> Any:
    mapping = kind.__new__(kind)
    defaultdict.__init__(mapping, factory)
    return mapping


def _set_key(key: Any, state: dict[str, Any]) -> None:
    body = state.pop("_value_buffer")
    key.__dict__.update(state)
    key.lock = threading.Lock()
    if not isinstance(body, KeptBody):
        buffer = tempfile.SpooledTemporaryFile(key._max_buffer_size)  # noqa: SIM115
        buffer.write(body)
        body = buffer
    key._value_buffer = body

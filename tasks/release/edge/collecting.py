"""What becomes of a batch that somebody posted: who is it, may he, and which metrics are it.

Whoever may call it speaks for one user: with ``SLUICE_COLLECTOR_KEY_SECRET`` the one that his token
names, else the one at his address, and no more than one user can say counts (`limits`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import Clock, system_clock, utc
from tasks.errors import InvalidSetting, SluiceError
from tasks.release.edge.limits import Admission
from tasks.release.edge.reports import ReportBatch, counted, metrics
from tasks.release.edge.tokens import SHORTEST_KEY, subject_of
from tasks.stored import parsed
from tasks.values import Pointer

LARGEST_BODY = 32_768
REMEMBERED_SECONDS = 5.0
"""How long a pointer is remembered, and that there is none, in real seconds."""
MOST_REMEMBERED = 1_000
KEY_SECONDS = 300.0
"""How long the tokens' keys are remembered, in real seconds."""


@dataclass
class Collector:
    """Takes batches.

    Args:
        bucket: The registry, for the versions that are counted.
        namespace: CloudWatch namespace.
        clock: Our clock; it stamps what arrives.
        key_secret: Name of the secret with the tokens' key; "" asks for no tokens.
        admission: Who may post how much.
    """

    bucket: str
    namespace: str
    clock: Clock
    key_secret: str = ""
    admission: Admission = field(default_factory=Admission)
    _known: OrderedDict[str, tuple[float, frozenset[str]]] = field(default_factory=OrderedDict)
    _keys: tuple[float, tuple[bytes, ...]] = (0.0, ())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def here(cls) -> Collector:
        """The collector of this installation."""
        from tasks.settings import settings

        chosen = settings()
        return cls(
            chosen.registry_bucket,
            chosen.metrics_namespace,
            system_clock(),
            chosen.collector_key_secret,
        )

    def take(self, body: bytes, address: str = "") -> HTTPStatus:
        """One batch: 204 when it was taken, 400 or 413 when it is none, 503 to try again.

        401 without a good token where tokens are asked for, 429 when a client posts too much.

        Args:
            body: As it came.
            address: Who posts, where no token says it.
        """
        if len(body) > LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            batch = ReportBatch.model_validate_json(body)
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        try:
            who = subject_of(batch.token, self.keys()) if self.key_secret else address
            if who is None:
                return HTTPStatus.UNAUTHORIZED
            now = time.monotonic()
            with self._lock:
                if not self.admission.batch(who, now):
                    return HTTPStatus.TOO_MANY_REQUESTS
            versions = self.versions(batch.model)
            if not versions:
                return HTTPStatus.BAD_REQUEST  # nothing of ours bears this name
            with self._lock:
                if not self.admission.model(batch.model, now):
                    return HTTPStatus.TOO_MANY_REQUESTS
                told = batch.observations
                counts = self.admission.observations(who, batch.model, len(told), now)
            batch = batch.model_copy(update={"observations": told[:counts]})
            data = metrics(batch, versions, utc(self.clock.now()))
            if data:
                with asking(f"PutMetricData {batch.model}"):
                    client("cloudwatch").put_metric_data(Namespace=self.namespace, MetricData=data)
        except SluiceError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.NO_CONTENT

    def versions(self, model: str) -> frozenset[str]:
        """Versions of a model that are counted at the moment."""
        with self._lock:
            at, known = self._known.get(model, (-REMEMBERED_SECONDS, frozenset[str]()))
        if time.monotonic() - at < REMEMBERED_SECONDS:
            return known
        key = f"{model}/latest.json"
        latest = objects.read(self.bucket, key)
        known = counted(None if latest is None else parsed(Pointer, latest.body, key))
        with self._lock:
            self._known[model] = (time.monotonic(), known)
            self._known.move_to_end(model)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return known

    def keys(self) -> tuple[bytes, ...]:
        """The tokens' key, and the one before it, so that it can be changed while clients live.

        Raises:
            SluiceError: there is no such secret, or it is too short to sign anything.
        """
        at, keys = self._keys
        if keys and time.monotonic() - at < KEY_SECONDS:
            return keys
        found = []
        for stage in ("AWSCURRENT", "AWSPREVIOUS"):
            with asking(f"GetSecretValue {self.key_secret}"):
                try:
                    secret = client("secretsmanager").get_secret_value(
                        SecretId=self.key_secret, VersionStage=stage
                    )
                except client("secretsmanager").exceptions.ResourceNotFoundException:
                    if stage == "AWSCURRENT":
                        raise
                    continue
            found.append(secret["SecretString"].encode())
        if len(found[0]) < SHORTEST_KEY:
            raise InvalidSetting(
                f"The secret {self.key_secret} has {len(found[0])} bytes.",
                f"Put a random one of {SHORTEST_KEY} bytes or more there.",
            )
        self._keys = (time.monotonic(), tuple(found))
        return self._keys[1]

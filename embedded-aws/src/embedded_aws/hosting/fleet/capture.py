"""Data capture: requests and answers as JSON lines in S3, in the layout of Model Monitor.

``<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/<MM-SS-mmm-uuid>.jsonl``, times virtual.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from embedded_aws.clock import Clock

log = logging.getLogger(__name__)

FLUSH_VIRTUAL_SECONDS = 60.0
FLUSH_REAL_SECONDS = (0.25, 5.0)


def flush_interval(scale: float) -> float:
    """Real seconds between two writes: a virtual minute, within bounds that people can wait for."""
    low, high = FLUSH_REAL_SECONDS
    return max(low, min(high, FLUSH_VIRTUAL_SECONDS / scale))


class Capture:
    """Captures one endpoint's traffic under one ``DataCaptureConfig``.

    Args:
        endpoint: Name of the endpoint.
        config: ``DataCaptureConfig`` of the endpoint config.
        clock: Gives inference times.
        client: Gives the S3 client.
    """

    def __init__(
        self, endpoint: str, config: Mapping[str, Any], clock: Clock, client: Callable[[], Any]
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._client = client
        self._percent = int(config["InitialSamplingPercentage"])
        modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        self._input = bool(modes & {"Input", "InputAndOutput"})
        self._output = bool(modes & {"Output", "InputAndOutput"})
        self._bucket, _, prefix = config["DestinationS3Uri"].partition("//")[2].partition("/")
        self._prefix = prefix.strip("/")
        self._key_id = config.get("KmsKeyId")
        header = config.get("CaptureContentTypeHeader") or {}
        self._csv = {kind.lower() for kind in header.get("CsvContentTypes", [])}
        self._json = {kind.lower() for kind in header.get("JsonContentTypes", [])}
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], list[str]] = defaultdict(list)

    def sampled(self) -> bool:
        """Whether the next request is to be captured."""
        return random.random() * 100 < self._percent

    def add(
        self,
        variant: str,
        request: tuple[str, bytes],
        answer: tuple[str, bytes],
        inference_id: str | None,
        custom_attributes: str | None,
    ) -> None:
        """Keep one request and its answer, each as ``(content type, body)``."""
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        sides: dict[str, Any] = {}
        if self._input:
            sides["endpointInput"] = self._side("INPUT", *request)
        if self._output:
            sides["endpointOutput"] = self._side("OUTPUT", *answer)
        metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
        if custom_attributes:
            metadata["customAttributes"] = [custom_attributes]
        if inference_id:
            metadata["inferenceId"] = inference_id
        metadata["inferenceTime"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
        line = json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"})
        with self._lock:
            self._lines[variant, f"{now:%Y/%m/%d/%H}"].append(line)

    def flush(self) -> None:
        """Write what was kept: one object per variant and hour."""
        with self._lock:
            waiting, self._lines = self._lines, defaultdict(list)
        for (variant, hour), lines in waiting.items():
            now = datetime.fromtimestamp(self._clock.now(), UTC)
            stamp = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{uuid.uuid4()}"
            parts = (self._prefix, self._endpoint, variant, hour, f"{stamp}.jsonl")
            encryption = (
                {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._key_id}
                if self._key_id
                else {}
            )
            try:
                self._client().put_object(
                    Bucket=self._bucket,
                    Key="/".join(part for part in parts if part),
                    Body=("\n".join(lines) + "\n").encode(),
                    **encryption,
                )
            except Exception:
                log.exception(
                    "%d captured requests of %s/%s lost: cannot write to s3://%s/%s",
                    len(lines), self._endpoint, variant, self._bucket, self._prefix,
                )  # fmt: skip

    def _side(self, mode: str, content_type: str, body: bytes) -> dict[str, str]:
        kind = content_type.partition(";")[0].strip().lower()
        encoding = "CSV" if kind in self._csv else "JSON" if kind in self._json else "BASE64"
        if encoding == "BASE64":
            data = base64.b64encode(body).decode()
        else:
            data = body.decode("utf-8", "replace")
        return {
            "observedContentType": content_type,
            "mode": mode,
            "data": data,
            "encoding": encoding,
        }

"""One invocation from its payload to its response, and the word of it."""

from __future__ import annotations

import datetime as dt
import logging
import time

from embedded_aws.hosting.asynchronous.delivery import Delivery, DeliveryError
from embedded_aws.hosting.asynchronous.dispatcher import Seat
from embedded_aws.hosting.asynchronous.line import Line
from embedded_aws.hosting.asynchronous.measures import Measures
from embedded_aws.hosting.asynchronous.notices import Outcome
from embedded_aws.hosting.asynchronous.requests import Invocation
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.variant import Variant
from embedded_aws.hosting.process.server import NotReadyError
from embedded_aws.hosting.shared import SharedState

log = logging.getLogger(__name__)


class _FailedError(Exception):
    """The invocation has failed.

    Args:
        reason: ``failureReason``.
        body: What the model answered, if it did.
        content_type: Its content type.
    """

    def __init__(self, reason: str, body: bytes = b"", content_type: str = "") -> None:
        super().__init__(reason)
        self.body = body
        self.content_type = content_type


UNNOTICED_SECONDS = 0.05


class Worker:
    """Processes invocations, each on a thread of its own.

    Args:
        shared: World, logs.
    """

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared

    def process(self, line: Line, one: Invocation, seat: Seat) -> bool:
        """Process an invocation; False when it could not be begun, or is to be begun anew.

        A process that ends because the endpoint or everything ends is no failure of the invocation:
        of a deleted endpoint nothing more is told, and the next embedded AWS begins it again.
        """
        measures = self._measures(seat.variant)
        delivery = self._delivery(seat.variant)
        waited = self._shared.world.clock.now() - one.received
        try:
            outcome = self._processed(one, seat, delivery, measures)
        except NotReadyError:
            return False
        except _FailedError as failed:
            if self._shared.closing.is_set() or line.dropped:
                return not self._shared.closing.is_set()
            self._say(one, seat, str(failed))
            outcome = self._failure(one, failed, delivery, measures)
        if not self._tell(one, outcome, delivery, measures):
            return False
        now = self._shared.world.clock.now()
        measures.begun(max(0.0, waited))
        measures.ended(max(0.0, now - one.received), failed=bool(outcome.failure))
        line.over(one)
        return True

    def expire(self, line: Line, one: Invocation, endpoint: Endpoint) -> None:
        """Give up an invocation that has waited for too long."""
        generation = endpoint.active or endpoint.pending
        if generation is None or line.dropped or self._shared.closing.is_set():
            line.back(one)  # of a deleted endpoint nothing is told; the rest is the next process's
            return
        variant = next(iter(generation.production.values()))
        measures, delivery = self._measures(variant), self._delivery(variant)
        seconds = f"{one.expires - one.received:g}"
        failed = _FailedError(
            f"ClientError: The request expired: it was queued for longer than {seconds} seconds "
            "(RequestTTLSeconds)."
        )
        outcome = self._failure(one, failed, delivery, measures)
        if self._tell(one, outcome, delivery, measures) and not self._shared.closing.is_set():
            measures.expired()
            line.over(one)

    def _processed(
        self, one: Invocation, seat: Seat, delivery: Delivery, measures: Measures
    ) -> Outcome:
        try:
            payload = self._payload(one, delivery, measures)
            outcome = self._ask(one, seat, payload, measures)
            return self._stored(one, outcome, delivery, measures)
        except (NotReadyError, _FailedError):
            raise
        except Exception as error:  # a bug of ours; the queue goes on
            log.exception("invocation %s of endpoint %s", one.id, one.endpoint)
            raise _FailedError(_INTERNAL) from error

    def _payload(self, one: Invocation, delivery: Delivery, measures: Measures) -> bytes:
        if not one.input:
            return one.payload
        began = time.monotonic()
        try:
            payload = delivery.fetch(one.input)
        except DeliveryError as error:
            measures.failed("RequestDownloadFailures")
            raise _FailedError(f"ClientError: {error}.") from error
        measures.downloaded(time.monotonic() - began)
        return payload

    def _ask(self, one: Invocation, seat: Seat, payload: bytes, measures: Measures) -> Outcome:
        began = time.monotonic()
        try:
            answer = seat.server.request(
                "POST", "/invocations", one.model_headers(), payload, one.timeout
            )
        except TimeoutError:
            self._answered(measures, 0, began)
            raise _FailedError(_TIMED_OUT.format(one.timeout)) from None
        except ConnectionRefusedError:
            # The process is gone, and whoever watches it has not noticed yet. The invocation was
            # not begun, and waits as if it had not left the queue.
            time.sleep(UNNOTICED_SECONDS)
            raise NotReadyError from None
        except OSError:
            self._answered(measures, 0, began)
            raise _FailedError(_NO_RESPONSE.format(one.endpoint)) from None
        self._answered(measures, answer.status, began)
        content_type = answer.headers.get("content-type", "")
        if not 200 <= answer.status < 300:
            side = "client" if 400 <= answer.status < 500 else "server"
            raise _FailedError(_BAD_ANSWER.format(side, answer.status), answer.body, content_type)
        return Outcome(body=answer.body, content_type=content_type)

    def _answered(self, measures: Measures, status: int, began: float) -> None:
        if not self._shared.closing.is_set():
            measures.answered(status, time.monotonic() - began)

    def _stored(
        self, one: Invocation, outcome: Outcome, delivery: Delivery, measures: Measures
    ) -> Outcome:
        if not one.output:
            return outcome
        began = time.monotonic()
        try:
            delivery.store(one.output, outcome.body, outcome.content_type, _key(one))
        except DeliveryError as error:
            measures.failed("ResponseUploadFailures")
            raise _FailedError(f"ClientError: {error}.") from error
        measures.uploaded(time.monotonic() - began)
        return Outcome("", outcome.body, outcome.content_type, one.output)

    def _failure(
        self, one: Invocation, failed: _FailedError, delivery: Delivery, measures: Measures
    ) -> Outcome:
        """What is told and stored of a failure: the model's own words, or why there are none."""
        body = failed.body or str(failed).encode()
        content_type = failed.content_type if failed.body else "text/plain"
        stored = one.failure
        if stored:
            try:
                delivery.store(stored, body, content_type, _key(one))
            except DeliveryError as error:
                measures.failed("ResponseUploadFailures")
                log.warning("invocation %s of endpoint %s: %s", one.id, one.endpoint, error)
                stored = ""
        return Outcome(str(failed), body, content_type, stored)

    def _tell(
        self, one: Invocation, outcome: Outcome, delivery: Delivery, measures: Measures
    ) -> bool:
        """Tell the topic for it; False when nobody can be told because everything ends.

        That is left to the next process, which begins the invocation again.
        """
        try:
            delivery.tell(one, outcome)
        except DeliveryError as error:
            if self._shared.closing.is_set():
                return False
            measures.failed("NotificationFailures")
            log.warning("invocation %s of endpoint %s: %s", one.id, one.endpoint, error)
        return True

    def _say(self, one: Invocation, seat: Seat, text: str) -> None:
        """A line in the platform's log of the instance, with the inference id."""
        now = dt.datetime.fromtimestamp(self._shared.world.clock.now(), dt.UTC)
        moment = now.replace(tzinfo=None).isoformat(timespec="milliseconds")
        stream = f"{seat.variant.name}/{seat.server.instance_id}/data-log"
        self._shared.logs.line(
            seat.variant.log_group, stream, f"{moment}:[sagemaker logs] [{one.id}] {text}"
        )

    def _measures(self, variant: Variant) -> Measures:
        return Measures(self._shared.world.metrics, variant.endpoint, variant.name)

    def _delivery(self, variant: Variant) -> Delivery:
        return Delivery(self._shared, variant.container["ExecutionRoleArn"])


def _key(one: Invocation) -> str:
    return str(one.config.get("KmsKeyId") or "")


_BAD_ANSWER = (
    "ClientError: Received {} error ({}) from model. See the SageMaker Endpoint logs in your "
    "account for more information."
)
_TIMED_OUT = (
    "ClientError: Your invocation timed out while waiting for a response from container primary "
    "for {:g} seconds (InvocationTimeoutSeconds)."
)
_INTERNAL = "InternalServerError: The request could not be processed. Please try again."
_NO_RESPONSE = (
    "InternalServerError: Amazon SageMaker could not get a response from the {} endpoint. See the "
    "SageMaker Endpoint logs in your account for more information."
)

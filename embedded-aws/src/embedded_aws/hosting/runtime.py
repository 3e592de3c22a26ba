"""``InvokeEndpoint``: picks the variant, asks it, counts, captures, mirrors."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.generation import Generation
from embedded_aws.hosting.fleet.variant import Variant
from embedded_aws.hosting.process.artefact import ModelDataError
from embedded_aws.hosting.process.http1 import Answer
from embedded_aws.hosting.process.server import NotReadyError, StartError
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.operations import MAX_INVOCATION_BYTES
from embedded_aws.protocol.service import AwsFault, Response

# What of the model's own words an error repeats.
MAX_MESSAGE_BYTES = 16 * 1024
FORWARDED = {
    "content-type": "Content-Type",
    "accept": "Accept",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
    "x-amzn-sagemaker-inference-id": "X-Amzn-SageMaker-Inference-Id",
    "x-amzn-sagemaker-session-id": "X-Amzn-SageMaker-Session-Id",
}
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


class Runtime:
    """The runtime of all endpoints.

    Args:
        shared: World, settings.
        endpoint: Finds an endpoint by name; None when there is none.
    """

    def __init__(self, shared: SharedState, endpoint: Callable[[str], Endpoint | None]) -> None:
        self._shared = shared
        self._endpoint = endpoint

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one invocation.

        Args:
            name: Endpoint name.
            headers: Header names in lower case.
            body: The request for the model.

        Raises:
            AwsFault: ``ValidationError``, ``ModelError``, ``ServiceUnavailable`` …
        """
        began = time.perf_counter_ns()
        if len(body) > MAX_INVOCATION_BYTES:
            raise AwsFault("413", "Request Entity Too Large", 413)
        target = headers.get("x-amzn-sagemaker-target-variant")
        generation, variant = self._enter(name, target)
        try:
            for ratio, mirror in generation.mirrors:
                mirror.offer(ratio, headers, body)
            answer = self._serve(generation, variant, headers, body, began)
        finally:
            variant.leave()
        reply_headers = {INVOKED_VARIANT: variant.name}
        if "content-type" in answer.headers:
            reply_headers["Content-Type"] = answer.headers["content-type"]
        if CUSTOM_ATTRIBUTES.lower() in answer.headers:
            reply_headers[CUSTOM_ATTRIBUTES] = answer.headers[CUSTOM_ATTRIBUTES.lower()]
        return Response(200, answer.body, reply_headers)

    def mirrored(
        self, generation: Generation
    ) -> Callable[[Variant, Mapping[str, str], bytes], object]:
        """How a generation's mirrors put their copies."""
        return lambda variant, headers, body: self._serve(
            generation, variant, headers, body, time.perf_counter_ns()
        )

    def _enter(self, name: str, target: str | None) -> tuple[Generation, Variant]:
        account = self._shared.world.account_id
        while True:
            endpoint = self._endpoint(name)
            routes = None if endpoint is None else endpoint.routes
            if routes is None:
                raise AwsFault(
                    "ValidationError", f"Endpoint {name} of account {account} not found."
                )
            if endpoint is not None and endpoint.asynchronous:
                raise AwsFault(
                    "ValidationError",
                    f"Endpoint {name} of account {account} has an AsyncInferenceConfig and can "
                    "only receive asynchronous invocations. Use InvokeEndpointAsync.",
                )
            choice = routes.pick() if target is None else routes.named(target)
            if choice is None:
                subject = f"Variant {target}" if target else "A variant that takes traffic"
                raise AwsFault(
                    "ValidationError",
                    f"{subject} of endpoint {name} of account {account} not found.",
                )
            # A variant that has just been taken out of the routes lets nobody in: look again.
            if choice[1].enter():
                return choice
            if self._shared.closing.is_set():
                raise AwsFault("ServiceUnavailable", "The embedded AWS is closing.", 503)

    def _serve(
        self,
        generation: Generation,
        variant: Variant,
        headers: Mapping[str, str],
        body: bytes,
        began: int,
    ) -> Answer:
        model_headers = {
            name: headers[header] for header, name in FORWARDED.items() if header in headers
        }
        self._admit(variant)
        try:
            variant.warm_up()
        except (ModelDataError, StartError):
            self._count(variant, 0, None, began)
            raise self._model_error(variant, 0, _NO_RESPONSE.format(variant.endpoint)) from None
        question_ns = time.perf_counter_ns()
        try:
            answer = variant.ask(
                "/invocations", model_headers, body, self._shared.settings.model_timeout
            )
        except NotReadyError:
            self._count(variant, 0, None, began)
            raise AwsFault(
                "ServiceUnavailable", "The service is unavailable. Try your call again.", 503
            ) from None
        except TimeoutError:
            self._count(variant, 0, time.perf_counter_ns() - question_ns, began)
            raise self._model_error(variant, 0, _TIMED_OUT) from None
        except OSError:
            self._count(variant, 0, None, began)
            raise self._model_error(variant, 0, _NO_RESPONSE.format(variant.endpoint)) from None
        self._count(variant, answer.status, time.perf_counter_ns() - question_ns, began)
        if not 200 <= answer.status < 300:
            text = answer.body[:MAX_MESSAGE_BYTES].decode("utf-8", "replace")
            raise self._model_error(variant, answer.status, text)
        if generation.capture is not None and generation.capture.sampled():
            generation.capture.add(
                variant.name,
                (headers.get("content-type", ""), body),
                (answer.headers.get("content-type", ""), answer.body),
                headers.get("x-amzn-sagemaker-inference-id"),
                headers.get("x-amzn-sagemaker-custom-attributes"),
            )
        return answer

    @staticmethod
    def _admit(variant: Variant) -> None:
        if variant.serverless and variant.inside > variant.serverless["MaxConcurrency"]:
            raise AwsFault("ThrottlingException", "Rate exceeded", 429)

    @staticmethod
    def _count(variant: Variant, status: int, model_ns: int | None, began: int) -> None:
        variant.meter.observe(
            status,
            variant.numbers.current_count,
            None if model_ns is None else model_ns // 1000,
            (time.perf_counter_ns() - began) // 1000,
        )

    def _model_error(self, variant: Variant, status: int, text: str) -> AwsFault:
        world = self._shared.world
        side = "client" if 400 <= status < 500 else "server"
        console = (
            f"https://{world.region}.console.aws.amazon.com/cloudwatch/home?region={world.region}"
            f"#logEventViewer:group={variant.log_group}"
        )
        return AwsFault(
            "ModelError",
            f'Received {side} error ({status}) from primary with message "{text}". '
            f"See {console} in account {world.account_id} for more information.",
            424,
            {
                "OriginalStatusCode": status,
                "OriginalMessage": text,
                "LogStreamArn": f"arn:aws:logs:{world.region}:{world.account_id}"
                f":log-group:{variant.log_group}",
            },
        )


_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
_NO_RESPONSE = (
    "Amazon SageMaker could not get a response from the {} endpoint. This can occur when CPU or "
    "memory utilization is high. To check your utilization, see Amazon CloudWatch. To fix this "
    "problem, use an instance type with more CPU capacity or memory."
)

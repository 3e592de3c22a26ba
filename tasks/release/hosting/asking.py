"""One variant under its sample request, past the weights: before a user meets it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from tasks.aws import asking, client
from tasks.errors import AwsError
from tasks.release.hosting.answers import Answer, ruling, unsound
from tasks.specs.load_test import LoadTestSpec

CLIENTS = 4
LONGEST_SECONDS = 20.0
"""After this nothing more is asked: what was answered until then decides. Less than the half of a
lease that an act begins with at least: nobody else takes the release over while it is asked."""


def load_test(name: str, variant: str, body: bytes, load: LoadTestSpec, longest_ms: float) -> str:
    """Ask a variant, and say what came of it: ``pass: …`` or ``fail: …``.

    Args:
        name: The endpoint.
        variant: The candidate's.
        body: The bundle's sample request.
        load: How much, and what may go wrong.
        longest_ms: Bound of the 95th percentile.

    Raises:
        AwsError: the endpoint was not reached; asking again may help.
    """
    first = _asked(name, variant, body)
    if first.fault:
        return f"fail: {first.fault}"
    began = time.monotonic()

    def one(_number: int) -> Answer | None:
        if time.monotonic() - began > LONGEST_SECONDS:
            return None
        return _asked(name, variant, body)

    with ThreadPoolExecutor(CLIENTS, "load-test") as pool:
        answers = [answer for answer in pool.map(one, range(load.requests)) if answer is not None]
    seconds = time.monotonic() - began
    return ruling(variant, answers, seconds, load.error_share, longest_ms)


def _asked(name: str, variant: str, body: bytes) -> Answer:
    began = time.perf_counter()
    try:
        with asking(f"InvokeEndpoint {name} variant {variant}"):
            answer = client("sagemaker-runtime").invoke_endpoint(
                EndpointName=name,
                TargetVariant=variant,
                ContentType="application/json",
                Body=body,
            )
            text = answer["Body"].read()
    except AwsError as error:
        if error.retryable:
            raise
        return Answer(1000 * (time.perf_counter() - began), error.what)
    ms = 1000 * (time.perf_counter() - began)
    served = answer.get("InvokedProductionVariant", variant)
    if served != variant:
        return Answer(ms, f"asked {variant}, {served} answered")
    return Answer(ms, unsound(body, text))

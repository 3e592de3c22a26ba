"""The one place where AWS clients are built and AWS errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any

from tasks.errors import AwsDenied, AwsError, AwsRejected, AwsThrottled, AwsUnavailable
from tasks.images import region

THROTTLES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "RequestThrottled",
        "ProvisionedThroughputExceededException",
    }
)
DENIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "UnrecognizedClientException",
    }
)


@lru_cache(maxsize=64)
def client(service: str) -> Any:
    """A boto3 client, shared by the process (clients are thread-safe).

    Endpoint, region and credentials come from the environment, as AWS defines it
    (``AWS_ENDPOINT_URL``, ``AWS_REGION``, the credential chain). Returned untyped: boto3 builds
    its clients at run time.
    """
    import boto3
    from botocore.config import Config
    from botocore.session import get_session

    config = Config(
        retries={"mode": "standard", "total_max_attempts": 6},
        connect_timeout=5,
        read_timeout=70,
        max_pool_connections=32,
        user_agent_extra="sluice",
    )
    core = get_session()
    core.register_component("data_loader", _descriptions())
    session = boto3.session.Session(botocore_session=core)
    return session.client(service, region_name=region(), config=config)


@cache
def _descriptions() -> Any:
    """Botocore's descriptions of the services: each session of its own would read them again.

    That is a tenth of a second and more of a client. A session is not shared, for it remembers
    whose credentials it once found.
    """
    from botocore.session import get_session

    return get_session().get_component("data_loader")


def error_code(error: BaseException) -> str:
    """The AWS error code of a botocore error, or "" when it carries none."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn what botocore raises into our tree.

    Args:
        what: What we are asking AWS for, as it should stand in the message,
            e.g. ``"CreateTrainingJob price-estimator-1a2b"``.

    Raises:
        AwsThrottled, AwsUnavailable, AwsDenied, AwsRejected: by the kind of answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        yield
    except ClientError as error:
        raise _translated(what, error) from error
    except ParamValidationError as error:
        raise AwsRejected(
            f"{what}: the request is not valid: {error}.",
            "Correct the value named above; nothing was sent.",
            code="ParamValidation",
        ) from error
    except BotoCoreError as error:
        raise AwsUnavailable(
            f"{what}: no answer from AWS: {error}.",
            "Check AWS_ENDPOINT_URL, the network and the credentials, then run again.",
            code=type(error).__name__,
        ) from error


def _translated(what: str, error: Any) -> AwsError:
    code = error_code(error)
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    sentence = f"{what}: AWS answered {code}: {message}"
    if not sentence.endswith("."):
        sentence += "."
    if code in THROTTLES:
        return AwsThrottled(sentence, "Run again later; the call was retried before.", code)
    if code in DENIALS or status in {401, 403}:
        return AwsDenied(sentence, "Give the role this action, or use another role.", code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AwsUnavailable(sentence, "Run again; work that was done is found again.", code)
    return AwsRejected(sentence, "Correct the request; repeating it will not help.", code)

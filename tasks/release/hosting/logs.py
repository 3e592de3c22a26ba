"""The last lines that a version's containers wrote, from CloudWatch Logs. Thin."""

from __future__ import annotations

from typing import Any

from tasks.aws import asking, client

LINES = 20
STREAMS = 3
LONGEST_LINE = 300


def group_of(endpoint: str) -> str:
    """The log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def last_lines(endpoint: str, variant: str, since: float) -> tuple[str, ...]:
    """The newest lines of a variant's containers, oldest first.

    Args:
        endpoint: Name of the endpoint; its log group outlives it.
        variant: Which variant: streams are named ``<variant>/<instance>``.
        since: Unix time in seconds; older lines are of an earlier container.

    Raises:
        AwsError: the logs cannot be read.
    """
    group = group_of(endpoint)
    with asking(f"DescribeLogStreams {group} {variant}/"):
        answer = client("logs").describe_log_streams(
            logGroupName=group, logStreamNamePrefix=f"{variant}/"
        )
    streams = sorted(answer["logStreams"], key=_newest, reverse=True)[:STREAMS]
    lines: list[tuple[int, str]] = []
    for stream in streams:
        with asking(f"GetLogEvents {group} {stream['logStreamName']}"):
            page = client("logs").get_log_events(
                logGroupName=group,
                logStreamName=stream["logStreamName"],
                startTime=int(since * 1000),
                startFromHead=False,
                limit=LINES,
            )
        lines += [(event["timestamp"], event["message"].rstrip()) for event in page["events"]]
    lines.sort(key=lambda line: line[0])
    return tuple(text[:LONGEST_LINE] for _, text in lines[-LINES:] if text)


def _newest(stream: dict[str, Any]) -> int:
    return int(stream.get("lastEventTimestamp") or stream.get("creationTime") or 0)

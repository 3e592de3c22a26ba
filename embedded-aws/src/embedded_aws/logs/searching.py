"""FilterLogEvents and live tails of moto, with the whole syntax of filter patterns.

moto knows plain words and one phrase, and lets every line match any other pattern.
"""

from __future__ import annotations

import functools
import json
from typing import Any

from embedded_aws.logs.patterns import FilterPattern, PatternError, parse_pattern


class MessageFilter:
    """Stands where moto has its own.

    Args:
        pattern: A filter pattern; None matches everything.

    Raises:
        InvalidParameterException: of moto's, when it cannot be read.
    """

    def __init__(self, pattern: str | None) -> None:
        self._pattern = checked_pattern(pattern)

    def matches(self, message: str) -> bool:
        """Whether a line matches."""
        return self._pattern.matches(message)


def checked_pattern(pattern: str | None) -> FilterPattern:
    """A pattern that was read.

    Raises:
        InvalidParameterException: of moto's, when it cannot be.
    """
    from moto.logs.exceptions import InvalidParameterException

    try:
        return parse_pattern(pattern or "")
    except PatternError as error:
        raise InvalidParameterException(str(error)) from error


def teach_patterns() -> None:
    """Let moto's CloudWatch Logs search by patterns. Safe to repeat."""
    from moto.logs import models
    from moto.logs.responses import LogsResponse

    if LogsResponse.filter_log_events is _filter_log_events:
        return
    plain = LogsResponse.start_live_tail

    @functools.wraps(plain)
    def start_live_tail(self: Any) -> Any:
        checked_pattern(self._get_param("logEventFilterPattern"))
        return plain(self)

    for owner, name, taught in (
        (models, "EventMessageFilter", MessageFilter),
        (LogsResponse, "filter_log_events", _filter_log_events),
        (LogsResponse, "start_live_tail", start_live_tail),
    ):
        setattr(owner, name, taught)


def _filter_log_events(self: Any) -> str:
    pattern = self._get_param("filterPattern")
    checked_pattern(pattern)  # also where there is no line to ask it about
    group = _group_name(self)
    events, token, streams = self.logs_backend.filter_log_events(
        group,
        _stream_names(self, group),
        self._get_param("startTime"),
        self._get_param("endTime"),
        self._get_param("limit"),
        self._get_param("nextToken"),
        pattern,
        True,  # as AWS has it since 2019, whatever `interleaved` says
    )
    return json.dumps({"events": events, "nextToken": token, "searchedLogStreams": streams})


def _group_name(self: Any) -> str:
    from moto.logs.exceptions import InvalidParameterException

    if self._get_param("startFromHead") is False:
        raise InvalidParameterException(
            "The embedded AWS searches from the earliest event on only: leave startFromHead out."
        )
    name, identifier = self._get_param("logGroupName"), self._get_param("logGroupIdentifier")
    if bool(name) == bool(identifier):
        raise InvalidParameterException(
            "Give either logGroupName or logGroupIdentifier, and not both."
        )
    return str(name or identifier.partition(":log-group:")[2].removesuffix(":*") or identifier)


def _stream_names(self: Any, group: str) -> list[str]:
    from moto.logs.exceptions import InvalidParameterException

    names, prefix = self._get_param("logStreamNames"), self._get_param("logStreamNamePrefix")
    if names and prefix:
        raise InvalidParameterException(
            "Give either logStreamNames or logStreamNamePrefix, and not both."
        )
    if not prefix:
        return names or []
    streams = getattr(self.logs_backend.groups.get(group), "streams", {})
    # No stream has a colon in its name, and an empty list would be all of them.
    return [name for name in streams if name.startswith(prefix)] or [":"]

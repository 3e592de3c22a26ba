"""What a transform job says of its data, in the stream ``…/data-log``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from embedded_aws.clock import Clock
from embedded_aws.jobs.places import Piece

LONGEST_ANSWER = 1024
"""Bytes of a program's answer that are repeated."""


class DataLog:
    """The lines of one instance, as SageMaker writes them.

    Args:
        clock: Virtual clock.
        say: Takes a line.
    """

    def __init__(self, clock: Clock, say: Callable[[str], None]) -> None:
        self._clock = clock
        self._say = say

    def say(self, text: str) -> None:
        """One line, with its time."""
        now = dt.datetime.fromtimestamp(self._clock.now(), dt.UTC)
        moment = now.replace(tzinfo=None).isoformat(timespec="milliseconds")
        self._say(f"{moment}:[sagemaker logs]: {text}")

    def failure(self, piece: Piece, words: str, answer: bytes = b"") -> None:
        """Why an object has no output, and the beginning of what the program answered."""
        place = f"{piece.bucket}/{piece.key}"
        self.say(f"{place}: {words}")
        if answer:
            text = answer[:LONGEST_ANSWER].decode("utf-8", "replace")
            for line in ("", "Message:", *text.splitlines()):
                self.say(f"{place}: {line}")

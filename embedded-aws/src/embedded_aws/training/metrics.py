"""Algorithm metrics: numbers that a job prints, found by the regular expressions of its request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

NAMESPACE = "/aws/sagemaker/TrainingJobs"


class MetricFinder:
    """Finds metrics in lines of output.

    Args:
        definitions: ``MetricDefinitions``: dicts of ``Name`` and ``Regex``, whose first group is
            the value.

    Raises:
        re.error: when an expression does not compile.
    """

    def __init__(self, definitions: Sequence[dict[str, str]]) -> None:
        self._patterns = [(d["Name"], re.compile(d["Regex"])) for d in definitions]

    def find(self, line: str) -> Iterator[tuple[str, float]]:
        """Names and values in one line; what is not a number is passed over."""
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                try:
                    yield name, float(match.group(1) if pattern.groups else match.group())
                except (TypeError, ValueError):
                    continue

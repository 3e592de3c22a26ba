"""Filter patterns of CloudWatch Logs, as its user guide gives them: read once, asked often. Pure.

A pattern is of terms (``ERROR -"time out"``), one regular expression (``%ERR.*%``), of JSON
(``{ $.level = "error" && $.n > 5 }``) or of space-delimited fields (``[ip, ..., status = 4*]``).
Where the guide is silent, what it does not show is refused.
"""

from __future__ import annotations

from functools import lru_cache

from embedded_aws.logs.patterns.documents import document_pattern
from embedded_aws.logs.patterns.fields import field_pattern
from embedded_aws.logs.patterns.scanner import PatternError
from embedded_aws.logs.patterns.terms import term_pattern
from embedded_aws.logs.patterns.values import FilterPattern, Found

__all__ = ["FilterPattern", "Found", "PatternError", "parse_pattern"]

MAX_LENGTH = 1024


@lru_cache(maxsize=256)
def parse_pattern(text: str) -> FilterPattern:
    """Read a filter pattern; nothing but blanks matches everything.

    Raises:
        PatternError: it cannot be read, or is larger than the guide allows.
    """
    if len(text) > MAX_LENGTH:
        raise PatternError(f"A filter pattern has at most {MAX_LENGTH} characters.")
    start = text.lstrip()
    if start.startswith("{"):
        return document_pattern(text)
    if start.startswith("["):
        return field_pattern(text)
    return term_pattern(text)

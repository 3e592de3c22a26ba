"""Numbers as people read them: rounded, with separators and units. Pure."""

from __future__ import annotations

import math
import re

DIGITS = 4
"""Significant digits: more were never measured, and nobody compares them by eye."""
LARGE, SMALL = 1e12, 1e-4
"""Beyond these a number is told by its power of ten."""
DECADES = range(-4, 6)
"""Powers of ten that an axis has room to write out."""
KILO = 1000
UNBROKEN = "\u00a0"
"""Between a number and its unit: no line ends there."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NUMBER = re.compile(r"(?<![\w.,:/-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w:/-]|[.,]\d)")
SHARES = frozenset(
    (
        *("accuracy", "macro_f1", "lowest_recall", "confident_share", "confident_accuracy"),
        *("mape", "bias", "abs_bias"),
    )
)
"""Metrics that are parts of one, and are told in percent."""


def number(value: float, digits: int = DIGITS) -> str:
    """A number with thousands separators, rounded to significant digits; never a whole digit lost.

    >>> number(78412.345), number(0.0123456), number(2500), number(1.5e-9)
    ('78,412', '0.01235', '2,500', '1.5 × 10⁻⁹')
    """
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else f"{'−' if value < 0 else ''}∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= LARGE or size < SMALL:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPT)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def decade(power: int) -> str:
    """A power of ten as an axis has room for: a figure of up to six digits, else the power.

    >>> decade(3), decade(10), decade(-5)
    ('1,000', '10¹⁰', '10⁻⁵')
    """
    if power in DECADES:
        return number(10.0**power)
    return f"10{str(power).translate(_SUPERSCRIPT)}"


def metric(name: str, value: float) -> str:
    r"""A metric's value: shares in percent, everything else as a number.

    >>> metric("accuracy", 0.91234), metric("mae", 78412.3), metric("abs_bias", 0.0123456)
    ('91.23\xa0%', '78,412', '1.23\xa0%')
    """
    if name in SHARES and math.isfinite(value):
        return percent(value)
    return number(value)


def percent(share: float) -> str:
    r"""A share in percent; two decimals below ten percent, where they matter.

    >>> percent(0.5), percent(0.0123), percent(1 / 3), percent(0.9999)
    ('50\xa0%', '1.23\xa0%', '33.33\xa0%', '99.99\xa0%')
    """
    return (
        f"{number(round(100 * share, 2), 6)}{UNBROKEN}%" if math.isfinite(share) else number(share)
    )


def rounded(text: str) -> str:
    """The numbers inside a text, each as :func:`number` tells it; names and versions stay.

    >>> rounded("≤ 150000"), rounded("the champion has 81234.6"), rounded("v20260131_020000")
    ('≤ 150,000', 'the champion has 81,235', 'v20260131_020000')
    """
    return _NUMBER.sub(lambda match: number(float(match.group())), text)


def size(count: float) -> str:
    r"""Bytes in the largest unit that leaves a whole digit, in powers of a thousand.

    >>> size(812), size(1_234_567), size(2.5e12)
    ('812 bytes', '1.23\xa0MB', '2.5\xa0TB')
    """
    if count < KILO:
        return f"{count:,.0f} byte{'' if count == 1 else 's'}"
    power = min(5, int(math.log10(count) / 3 + 1e-9))
    unit = ("", "kB", "MB", "GB", "TB", "PB")[power]
    return f"{number(count / KILO**power, 3)}{UNBROKEN}{unit}"


def counted(count: int, one: str, more: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "row"), counted(2500, "row"), counted(2, "day")
    ('1 row', '2,500 rows', '2 days')
    """
    return f"{count:,} {one if count == 1 else more or one + 's'}"

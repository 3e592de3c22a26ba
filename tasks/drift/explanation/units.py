"""Factors by which a column's unit may change, and the readings of temperatures."""

from __future__ import annotations

UNITS: tuple[tuple[float, str], ...] = (
    (10, "10"),
    (100, "100 (cents, or percent)"),
    (1_000, "1,000 (thousands, or milli-units)"),
    (1_000_000, "1,000,000 (millions, or micro-units)"),
    (1_000_000_000, "1,000,000,000 (billions, or nano-units)"),
    (60, "60 (minutes, or seconds)"),
    (3_600, "3,600 (hours, or seconds)"),
    (86_400, "86,400 (days, or seconds)"),
    (2.54, "2.54 (inches, or centimetres)"),
    (3.28084, "3.281 (feet, or metres)"),
    (10.7639, "10.76 (square feet, or square metres)"),
    (1.609344, "1.609 (miles, or kilometres)"),
    (2.204623, "2.205 (pounds, or kilograms)"),
)
"""Factor, and how it is told; its inverse counts as well."""

PLAIN = frozenset({10.0, 100.0, 1_000.0, 1_000_000.0, 1_000_000_000.0, 60.0, 3_600.0, 86_400.0})
"""Factors that nothing but a unit brings; prices double for many reasons, so others must be met."""

READINGS: tuple[tuple[float, float, str], ...] = (
    (1.8, 32.0, "Celsius became Fahrenheit"),
    (1 / 1.8, -32 / 1.8, "Fahrenheit became Celsius"),
    (1.0, 273.15, "Celsius became Kelvin"),
    (1.0, -273.15, "Kelvin became Celsius"),
)
"""Factor, what is added, and what that is."""

SENTINELS: tuple[float, ...] = (
    *(-1.0, 0.0, -9.0, -99.0, -999.0, -9_999.0, -99_999.0, -999_999.0),
    *(99.0, 999.0, 9_999.0, 99_999.0, 999_999.0, 9_999_999.0, 99_999_999.0, 999_999_999.0),
    *(65_535.0, -32_768.0, 32_767.0, 2_147_483_647.0, -2_147_483_648.0, 4_294_967_295.0),
    *(255.0, -128.0, 127.0, -1e6, 1e6, -1e9, 1e9, -888.0, -8_888.0, -777.0),
)
"""Numbers that stand for "none", most usual first."""

CLOCKS: tuple[tuple[float, float, float], ...] = (
    (3.0e8, 5.0e9, 3_600.0),
    (3.0e11, 5.0e12, 3.6e6),
    (3.0e14, 5.0e15, 3.6e9),
    (3.0e17, 5.0e18, 3.6e12),
)
"""From and to which size numbers are moments (seconds to nanoseconds since 1970), and an hour."""

DIALS: tuple[tuple[float, float, str], ...] = (
    (24.0, 1.0, "hour"),
    (1_440.0, 60.0, "hour"),
    (86_400.0, 3_600.0, "hour"),
    (7.0, 1.0, "day"),
    (12.0, 1.0, "month"),
    (360.0, 90.0, "quarter turn"),
)
"""Length of a dial that begins at 0 (or 1), the step that it is turned by, and the step's name."""

"""Factors by which a column's unit may change, and the readings of temperatures."""

from __future__ import annotations

UNITS: tuple[tuple[float, str], ...] = (
    (10, "10"),
    (100, "100 (cents, or percent)"),
    (1_000, "1,000 (thousands, or milli-units)"),
    (1_000_000, "1,000,000 (millions, or micro-units)"),
    (1_000_000_000, "1,000,000,000 (billions, or nano-units)"),
    (12, "12 (months, or dozens)"),
    (24, "24 (days, or hours)"),
    (60, "60 (minutes, or seconds)"),
    (3_600, "3,600 (hours, or seconds)"),
    (86_400, "86,400 (days, or seconds)"),
    (1_024, "1,024 (binary kilo)"),
    (2.54, "2.54 (inches, or centimetres)"),
    (0.3048, "0.3048 (feet, or metres)"),
    (0.092903, "0.0929 (square feet, or square metres)"),
    (1.609344, "1.609 (miles, or kilometres)"),
    (2.204623, "2.205 (pounds, or kilograms)"),
    (3.785412, "3.785 (gallons, or litres)"),
    (4.046856, "4.047 (thousands of acres, or square kilometres)"),
    (28.349523, "28.35 (ounces, or grams)"),
    (3.6, "3.6 (metres a second, or kilometres an hour)"),
    (57.29578, "57.3 (radians, or degrees)"),
)
"""Factor, and how it is told; its inverse counts as well."""

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

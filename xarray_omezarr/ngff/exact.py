"""Sums and products of decimals as files spell them, rounded once."""

from __future__ import annotations

from decimal import Context, Decimal

#: Wide enough for every sum and product of doubles that occurs here, so that no
#: intermediate result is rounded (doubles span 1e-324 to 1e308; sizes 1e15).
EXACT = Context(prec=1000)


def decimal(value: float) -> Decimal:
    """The decimal that ``value`` is the shortest spelling of: 0.1 is 1/10."""
    return Decimal(repr(float(value)))


def times(value: float, by: float | Decimal) -> float:
    """The product of two decimals, rounded once: ``times(0.1, 3)`` is 0.3."""
    return float(EXACT.multiply(decimal(value), _as_decimal(by)))


def plus(value: float, by: float | Decimal) -> float:
    """The sum of two decimals, rounded once: ``plus(0.1, 0.2)`` is 0.3."""
    return float(EXACT.add(decimal(value), _as_decimal(by)))


def _as_decimal(value: float | Decimal) -> Decimal:
    return value if isinstance(value, Decimal) else decimal(value)

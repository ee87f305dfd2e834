"""Numbers written as text, and remainders of binary arithmetic: the same rules for files and events."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

PLAIN_PATTERN = r"-?[0-9]{1,40}(\.[0-9]{1,40})?"
"""A number as text: plain decimal notation, with a point, without exponent, blanks or signs of thousands."""

ROUNDED_WITHIN = Decimal("0.000001")
"""How far a value may be from one with so many decimals to be rounded to it, in units of the last of them.

A millionth of a cent: the sums and products of doubles miss by less up to 40 million, and no price means it.
"""

_WIDE = Context(prec=400)  # more digits than a double or PLAIN_PATTERN has in front of and behind the point


def rounded(number: Decimal, places: int) -> Decimal | None:
    """The number with so many decimals that is within ROUNDED_WITHIN of it; None where none is."""
    scaled = _WIDE.scaleb(number, Decimal(places))
    nearest = scaled.to_integral_value(ROUND_HALF_EVEN)
    if abs(_WIDE.subtract(scaled, nearest)) > ROUNDED_WITHIN:
        return None
    return nearest.scaleb(-places, _WIDE)

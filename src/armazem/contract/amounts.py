"""Numbers written as text in events, and the remainders of binary arithmetic, the same in files and events."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

PLAIN_PATTERN = r"-?[0-9]{1,40}(\.[0-9]{1,40})?"
"""A number as text: plain decimal notation, with a point, without exponent, blanks or signs of thousands."""

REMAINDER = Decimal("0.000001")
"""How far from its last decimal an amount may be, as a part of that decimal: a millionth of a cent for money.

Programs that add in binary floating point write 58.900000000000006. That is rounded; 58.905 is a mistake of somebody.
The sums of doubles miss by less up to some ten millions.
"""

_WIDE = Context(prec=400)  # more digits than a double or PLAIN_PATTERN has in front of and behind the point


def tolerance(places: int) -> Decimal:
    """Return `REMAINDER` in units of the amount, for one of so many decimals."""
    return REMAINDER.scaleb(-places)


def rounded(number: Decimal, places: int) -> Decimal | None:
    """Return the number with so many decimals that is within REMAINDER of it; None where none is."""
    scaled = _WIDE.scaleb(number, Decimal(places))
    nearest = scaled.to_integral_value(ROUND_HALF_EVEN)
    if abs(_WIDE.subtract(scaled, nearest)) > REMAINDER:
        return None
    return nearest.scaleb(-places, _WIDE)

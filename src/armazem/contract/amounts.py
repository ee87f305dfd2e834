"""When an amount with too many decimals is still an exact one: declared once for files and events."""

from __future__ import annotations

from decimal import Decimal

REMAINDER = Decimal("0.000001")
"""How far from its last decimal an amount may be, as a part of that decimal: a millionth of a cent for money.

Programs that add in binary floating point write 58.900000000000006. That is rounded; 58.905 is a mistake of somebody.
"""


def tolerance(places: int) -> Decimal:
    """`REMAINDER` in units of the amount, for one of so many decimals."""
    return REMAINDER.scaleb(-places)

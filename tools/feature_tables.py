"""The tables of docs/features.md that come from the contract: entities, sums and ratios."""

from __future__ import annotations

import re
from pathlib import Path

from armazem.contract.features import ACCUMULATORS, ENTITIES, RATIOS, UNITS

PAGE = Path(__file__).parents[1] / "docs" / "features.md"
_BLOCK = re.compile(r"(<!-- (\w+), rendered by `make docs` -->\n).*?(<!-- end -->)", re.DOTALL)


def features_page() -> str:
    """Return the page with its tables as they should be."""
    return _BLOCK.sub(lambda found: f"{found[1]}{_TABLES[found[2]]}{found[3]}", PAGE.read_text(encoding="utf-8"))


def _table(head: str, rows: list[tuple[str, ...]]) -> str:
    lines = [head, "|" + "---|" * (head.count("|") - 1), *(f"| {' | '.join(row)} |" for row in rows)]
    return "".join(f"{line}\n" for line in lines)


_KNOWN = {one.name: one.known for one in ACCUMULATORS}
_TABLES = {
    "entities": _table(
        "| entity | its id | features of |",
        [(f"`{entity.name}`", entity.key, entity.description) for entity in ENTITIES],
    ),
    "sums": _table(
        "| sum | what | unit | known |",
        [(f"`{one.name}`", one.description, UNITS[one.name], one.known) for one in ACCUMULATORS],
    ),
    "ratios": _table(
        "| ratio | formula | what | unit | known |",
        [
            (
                f"`{one.name}`",
                f"{one.numerator} / {f'({one.denominator} × {one.unit:,})' if one.unit != 1 else one.denominator}",
                one.description,
                UNITS[one.name],
                f"as `{one.denominator}`: {_KNOWN[one.denominator]}",
            )
            for one in RATIOS
        ],
    ),
}

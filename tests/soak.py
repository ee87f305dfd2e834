"""How much the long tests do: small numbers in `make test`, large ones in `make soak` (ARMAZEM_SOAK=1)."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of the tests marked `slow`: kills of a build, builds beside readers, histories loaded day by day.

    `examples`: times the examples of a property test.
    """

    kills: int
    builds_beside_readers: int
    histories: int
    examples: int


SHORT = Numbers(kills=3, builds_beside_readers=2, histories=1, examples=1)
LONG = Numbers(kills=50, builds_beside_readers=20, histories=20, examples=25)

NUMBERS = LONG if os.environ.get("ARMAZEM_SOAK") == "1" else SHORT


def fuzz(examples: int) -> int:
    """Examples of a property test that has this many in `make test`."""
    return examples * NUMBERS.examples

"""How the server misbehaves, set by a test while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

import grpc


@dataclass(slots=True)
class Faults:
    """`refuse`: method name to the status it fails with. `acknowledge_delay`: seconds before an Acknowledge counts.
    `late_acknowledgements`: each counts when the deadlines have passed of all that it acknowledges.
    `lose_acknowledgements`: this many Acknowledge calls are answered, and forgotten.
    `duplicate_every`: every nth delivered message is delivered once more at the same time; 0 for none.
    """

    refuse: dict[str, grpc.StatusCode] = field(default_factory=dict)
    acknowledge_delay: float = 0
    late_acknowledgements: bool = False
    lose_acknowledgements: int = 0
    duplicate_every: int = 0

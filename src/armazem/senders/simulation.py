"""A simulation from its options to its totals: traffic at a pace to a target."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

from armazem.errors import SendError
from armazem.senders.addresses import How, open_sender
from armazem.shop.life.course import DAY
from armazem.shop.life.events import SECOND
from armazem.shop.life.market import Market
from armazem.shop.life.shop import Shop
from armazem.shop.life.totals import Totals
from armazem.shop.life.traffic import Clock, Faults, Traffic

VIRTUAL_DAYS = 90
"""What a simulation without a rate covers: it ends when the shop was published, and lives last as long as real ones."""

_TICK = 0.05  # seconds between batches, where no size is asked for
_LARGEST_BATCH = 1000

OnProgress = Callable[[int, float], None]
"""Told of messages acknowledged so far and of seconds gone."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    `rate`: messages a second, 0 for as fast as possible, which needs `events`. `duration`: seconds;
    `events`: new events, without duplicates and malformed messages; with neither it goes on until it is stopped.
    `batch`: messages sent at once, 0 for those of 50 ms. `life`: seconds from an order's first message to its last.
    """

    rate: float
    seed: int
    duration: float | None = None
    events: int | None = None
    batch: int = 0
    life: float = 30.0
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if not self.rate and self.events is None:
            raise ValueError("a simulation without a rate needs a number of events")

    @property
    def batch_size(self) -> int:
        if self.batch or not self.rate:
            return self.batch or _LARGEST_BATCH
        return int(min(_LARGEST_BATCH, max(1, self.rate * _TICK)))


@dataclass(frozen=True, slots=True)
class Report:
    """What a simulation did. `error`: why it ended early; `unacknowledged`: messages of unknown fate then."""

    target: str
    seed: int
    totals: Totals
    seconds: float
    answered: dict[str, Any]
    interrupted: bool
    unacknowledged: int
    error: SendError | None

    def as_dict(self) -> dict[str, Any]:
        """The figures under the names that `simulate --format json` prints."""
        return {
            "target": self.target,
            "seed": self.seed,
            **self.totals.as_dict(),
            "seconds": round(self.seconds, 3),
            "messages_per_second": round(self.totals.messages / self.seconds, 1) if self.seconds else None,
            "interrupted": self.interrupted,
            "unacknowledged": self.unacknowledged,
            **self.answered,
        }


def run_simulation(
    shop: Shop,
    plan: Plan,
    to: str,
    zone: ZoneInfo,
    how: How,
    on_progress: OnProgress | None = None,
) -> Report:
    """Send what the plan says to a target of `open_sender`, and count what was acknowledged.

    Once `how.stop` is set no new events come; what was kept back is sent, and what is under way is finished.
    A target that fails on the way is told in the report; SendError is raised for one that is none.
    """
    stop = how.stop
    totals = Totals()
    sender = open_sender(to, totals.count, how)
    traffic = _traffic(shop, plan, zone)
    messages = iter(traffic)
    started = time.monotonic()
    handed = 0
    error: SendError | None = None
    try:
        while batch := list(islice(messages, plan.batch_size)):
            _wait_until(started + (handed + len(batch)) / plan.rate if plan.rate else 0.0, stop)
            gone = time.monotonic() - started
            if stop.is_set() or (plan.duration is not None and gone >= plan.duration):
                traffic.close()
            handed += len(batch)
            sender.send(batch)
            if on_progress is not None:
                on_progress(totals.messages, gone)
    except SendError as failure:
        error = failure
    try:
        sender.finish()
    except SendError as failure:
        error = error or failure
    seconds = time.monotonic() - started
    lost = handed - totals.messages
    return Report(to, plan.seed, totals, seconds, sender.figures(), stop.is_set(), lost, error)


def _traffic(shop: Shop, plan: Plan, zone: ZoneInfo) -> Traffic:
    until = None
    if plan.rate:
        market = Market(shop, zone, Random(plan.seed), plan.life)
        clock = Clock(time.time_ns() // 1000, 0.0, SECOND / plan.rate)
        if plan.duration is not None:
            until = clock.start + int(plan.duration * SECOND)
    else:
        market = Market(shop, zone, Random(plan.seed))
        span = VIRTUAL_DAYS * DAY * SECOND
        clock = Clock(int(shop.as_of.timestamp() * SECOND - span), span / (plan.events or 1), 0.0)
    return Traffic(market, plan.faults, clock, events=plan.events, until=until)


def _wait_until(moment: float, stop: Event) -> None:
    """Not after `stop`: then what is left goes at once."""
    seconds = moment - time.monotonic()
    if seconds > 0:
        stop.wait(seconds)

"""The stream of messages: lives of many orders side by side, with duplicates, disorder and malformed messages.

Pure: a market, faults and a clock give the messages, byte for byte; with another start only their times differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

import msgspec

from armazem.shop.life.course import MEAN_STEPS
from armazem.shop.life.events import SECOND
from armazem.shop.life.malformed import Spoiler
from armazem.shop.life.market import Market
from armazem.shop.life.messages import Message, Role
from armazem.shop.life.order import Order

_MEAN_DELAY = 0.03  # of a life: how long duplicates and messages out of order are kept back


@dataclass(frozen=True, slots=True)
class Faults:
    """In per cent of the events: those sent twice, those that arrive after later ones of their order, and
    malformed messages besides.
    """

    duplicates: float = 0.0
    disorder: float = 0.0
    malformed: float = 0.0

    @property
    def messages_per_event(self) -> float:
        return 1 + (self.duplicates + self.malformed) / 100


@dataclass(frozen=True, slots=True)
class Clock:
    """How the time of the simulation goes, in microseconds: from `start`, by `per_event` with each event that
    happens and by `per_message` with each message that is given.
    """

    start: int
    per_event: float
    per_message: float


class Traffic:
    """An iterator over messages. `events`: so many new ones; `until`: none at or after that moment.

    `close()` ends it early: no new events, only what was kept back. Every event it makes it also gives.
    """

    def __init__(
        self,
        market: Market,
        faults: Faults,
        clock: Clock,
        *,
        events: int | None = None,
        until: int | None = None,
    ) -> None:
        self._market = market
        self._clock = clock
        self._now = 0.0  # since the start: when that is changes nothing else
        self._left = events
        self._until = until
        self._closed = False
        self._dice = market.rng
        self._spoiler = Spoiler(market)
        self._duplicates, self._malformed = faults.duplicates / 100, faults.malformed / 100
        # The last message of an order cannot be overtaken: the others make up for it.
        self._disorder = min(1.0, faults.disorder / 100 * MEAN_STEPS / (MEAN_STEPS - 1))
        # Steps of orders and messages kept back, by when they are due; the number tells equal times apart.
        self._due: list[tuple[float, int, Order | Message]] = []
        self._number = 0
        self._alive = 0
        per_order = MEAN_STEPS * (clock.per_event + clock.per_message * faults.messages_per_event)
        self._aim = max(1.0, market.life * SECOND / per_order)  # orders alive at the same time

    def close(self) -> None:
        self._closed = True

    def __iter__(self) -> Iterator[Message]:
        for message in self._messages():
            self._now += self._clock.per_message
            yield message

    def _messages(self) -> Iterator[Message]:
        while not self._ends():
            thing = self._next()
            if isinstance(thing, Order):
                yield from self._step(thing)
            else:
                yield from self._give(thing)
        for _, _, thing in self._due.copy():
            if isinstance(thing, Order):
                self._release(thing)
        while self._due:
            thing = heappop(self._due)[2]
            if isinstance(thing, Message):
                yield from self._give(thing)

    def _ends(self) -> bool:
        return (
            self._closed
            or (self._left is not None and self._left <= 0)
            or (self._until is not None and self._moment() >= self._until)
        )

    def _next(self) -> Order | Message:
        """A new order, or else what is due first, though it be too early: the pace of messages is even.

        While few orders are alive more come and their steps follow faster, until there are as many as live
        side by side at this pace.
        """
        share = max(0.2, 2 - self._alive / self._aim) / MEAN_STEPS
        if not self._due or self._dice.random() < share:
            self._alive += 1
            return Order(self._market)
        return heappop(self._due)[2]

    def _step(self, order: Order) -> Iterator[Message]:
        """The next message of the order; or none, if it is to come late."""
        message = order.advance(self._moment())
        self._now += self._clock.per_event
        if self._left is not None:
            self._left -= 1
        if order.steps:
            self._keep(self._now + order.wait(), order)
            if self._dice.random() < self._disorder:
                order.held.append(message)
                return
        else:
            self._alive -= 1
        yield from self._give(message)
        self._release(order)

    def _give(self, message: Message) -> Iterator[Message]:
        """The message, perhaps a malformed one after it, perhaps the same once more at some time."""
        yield message
        if message.role is not Role.EVENT:
            return
        if self._dice.random() < self._duplicates:
            self._keep(self._now + self._delay(), msgspec.structs.replace(message, role=Role.DUPLICATE))
        if self._dice.random() < self._malformed:
            yield self._spoiler.message(self._moment())

    def _release(self, order: Order) -> None:
        """What was kept back of the order may go, now that a later message has gone."""
        for message in order.held:
            self._keep(self._now + self._delay(), message)
        order.held.clear()

    def _moment(self) -> int:
        return self._clock.start + int(self._now)

    def _keep(self, due: float, thing: Order | Message) -> None:
        self._number += 1
        heappush(self._due, (due, self._number, thing))

    def _delay(self) -> float:
        return self._dice.expovariate(1 / (_MEAN_DELAY * self._market.life * SECOND))

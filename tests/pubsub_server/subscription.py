"""One subscription: what waits, what is leased until when, what is acknowledged. The broker's lock guards all of it."""

from __future__ import annotations

import heapq
import itertools
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from google.pubsub_v1 import types

from .faults import Faults

ReceivedMessage = types.ReceivedMessage.pb()
PubsubMessage = types.PubsubMessage.pb()

# Responses stay below the 4 MiB that a gRPC client takes by default.
MAX_RESPONSE_MESSAGES = 1000
MAX_RESPONSE_BYTES = 2 * 2**20


@dataclass(slots=True)
class Held:
    """A published message until this subscription is done with it."""

    message: PubsubMessage
    size: int
    attempts: int = 0
    done: bool = False


@dataclass(slots=True)
class Flow:
    """What one stream may have outstanding (0: no limit), and what it has."""

    max_messages: int = 0
    max_bytes: int = 0
    messages: int = 0
    bytes: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing more may be sent. The last message may pass the limit of bytes, as with Google's."""
        return bool(self.max_messages and self.messages >= self.max_messages) or bool(
            self.max_bytes and self.bytes >= self.max_bytes
        )


@dataclass(slots=True)
class Lease:
    """One delivery: whoever knows the ack id has until `deadline` (monotonic seconds) to acknowledge it."""

    ack_id: str
    held: Held
    deadline: float
    flow: Flow


class Subscription:
    """`scale`: how many real seconds a second of a deadline lasts. `dead_letter`: called with what was given up."""

    def __init__(
        self, request: types.Subscription.pb(), scale: float, faults: Faults, dead_letter: Callable[..., None]
    ) -> None:
        self.request = request
        self.acked: list[PubsubMessage] = []
        self.deliveries: Counter[str] = Counter()
        self._scale = scale
        self._faults = faults
        self._dead_letter = dead_letter
        self._waiting: deque[Held] = deque()
        self._leases: dict[str, Lease] = {}
        self._expiries: list[tuple[float, str]] = []
        self._delivered = 0
        self._names = (f"{uuid.uuid4().hex[:8]}-{number}" for number in itertools.count())

    @property
    def waiting(self) -> int:
        return sum(not held.done for held in self._waiting)

    @property
    def leased(self) -> int:
        return len(self._leases)

    def add(self, message: PubsubMessage) -> None:
        self._waiting.append(Held(message, message.ByteSize()))

    def take(self, seconds: float, flow: Flow, most: int = MAX_RESPONSE_MESSAGES) -> list[ReceivedMessage]:
        """Lease what waits, as far as flow control and the size of a response allow, for so many seconds."""
        taken: list[ReceivedMessage] = []
        size = 0
        while self._waiting and len(taken) < most and size < MAX_RESPONSE_BYTES and not flow.full:
            held = self._waiting.popleft()
            if held.done:  # acknowledged through another of its leases
                continue
            held.attempts += 1
            size += held.size
            taken.append(self._lease(held, seconds, flow))
            self._delivered += 1
            if self._faults.duplicate_every and self._delivered % self._faults.duplicate_every == 0:
                taken.append(self._lease(held, seconds, flow))
        return taken

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Forget these for good. Ids that are unknown or too late change nothing: the message comes again."""
        now = time.monotonic()
        for ack_id in ack_ids:
            lease = self._leases.get(ack_id)
            if lease is None or lease.deadline <= now:
                continue
            self._release(lease)
            if not lease.held.done:
                lease.held.done = True
                self.acked.append(lease.held.message)

    def holds(self, ack_ids: Sequence[str]) -> bool:
        """Whether an acknowledgement of any of these would count now."""
        now = time.monotonic()
        leases = filter(None, map(self._leases.get, ack_ids))
        return any(lease.deadline > now for lease in leases)

    def modify(self, ack_id: str, seconds: int) -> None:
        """Move a deadline to so many seconds from now; 0 gives the message back at once."""
        now = time.monotonic()
        lease = self._leases.get(ack_id)
        if lease is None or lease.deadline <= now:
            return
        lease.deadline = now + seconds * self._scale
        if seconds == 0:
            self._give_back(lease)
        else:
            heapq.heappush(self._expiries, (lease.deadline, ack_id))

    def expire(self) -> None:
        """Take back what was not acknowledged in time."""
        now = time.monotonic()
        while self._expiries and self._expiries[0][0] <= now:
            _, ack_id = heapq.heappop(self._expiries)
            lease = self._leases.get(ack_id)
            if lease is not None and lease.deadline <= now:  # else it was moved, and stands in the heap again
                self._give_back(lease)

    def _lease(self, held: Held, seconds: float, flow: Flow) -> ReceivedMessage:
        lease = Lease(next(self._names), held, time.monotonic() + seconds * self._scale, flow)
        self._leases[lease.ack_id] = lease
        heapq.heappush(self._expiries, (lease.deadline, lease.ack_id))
        flow.messages += 1
        flow.bytes += held.size
        self.deliveries[held.message.message_id] += 1
        counted = held.attempts if self.request.dead_letter_policy.dead_letter_topic else 0
        return ReceivedMessage(ack_id=lease.ack_id, message=held.message, delivery_attempt=counted)

    def _release(self, lease: Lease) -> None:
        del self._leases[lease.ack_id]
        lease.flow.messages -= 1
        lease.flow.bytes -= lease.held.size

    def _give_back(self, lease: Lease) -> None:
        self._release(lease)
        held, policy = lease.held, self.request.dead_letter_policy
        if held.done:
            return
        if policy.dead_letter_topic and held.attempts >= (policy.max_delivery_attempts or 5):
            held.done = True
            self._dead_letter(self.request, held.message, held.attempts)
        else:
            self._waiting.append(held)

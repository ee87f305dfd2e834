"""How often somebody may guess the token: so many wrong ones in a while, and no more is looked at."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from armazem.serve.http.answers import HttpError, retry_after

_logger = logging.getLogger(__name__)


class Attempts:
    """Counts wrong tokens by client, and at the sign-in form in all. For one thread.

    `per_client` of one address, or `in_all`, within `seconds`: then the next is answered 429 without being compared.
    One that is sent again is no guess: a sender that does not know of a new token must not shut out all beside it.
    """

    def __init__(
        self,
        *,
        per_client: int = 10,
        in_all: int = 200,
        seconds: float = 60.0,
        most_clients: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_client = per_client
        self._in_all = in_all
        self._seconds = seconds
        self._most = most_clients
        self._clock = clock
        self._wrong: OrderedDict[str, deque[tuple[float, bytes]]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=in_all)

    def check(self, client: str, *, form: bool = False) -> None:
        """Raise HttpError 429 where this client has guessed too often, or at the `form` all together have."""
        if not self._wrong:
            return
        times = [time for time, _ in self._wrong.get(_counted(client), ())]
        wait = self._wait(times, self._per_client)
        if form:
            wait = max(wait, self._wait(self._all, self._in_all))
        if wait > 0:
            raise HttpError(
                429,
                "too_many_attempts",
                "too many wrong tokens; none is looked at for a while",
                f"wait {math.ceil(wait)} s, then send what ARMAZEM_TOKEN is on the server",
                [retry_after(wait)],
            )

    def wrong(self, client: str, secret: bytes) -> None:
        """Count one more, and say so in the log: who, and never what."""
        now, digest = self._clock(), hashlib.blake2b(secret, digest_size=8).digest()
        counted = _counted(client)
        times = self._wrong.setdefault(counted, deque(maxlen=self._per_client))
        self._wrong.move_to_end(counted)
        if any(before == digest and time > now - self._seconds for time, before in times):
            return
        times.append((now, digest))
        self._all.append(now)
        while len(self._wrong) > self._most:
            self._wrong.popitem(last=False)
        if len(times) in (1, self._per_client):  # not a line for each: a log must not be filled from outside
            _logger.warning("wrong token from %s (%d in %g s)", client or "?", len(times), self._seconds)

    def _wait(self, times: Sequence[float], most: int) -> float:
        """Seconds until there are fewer than `most` in the window."""
        if len(times) < most:
            return 0.0
        return times[0] + self._seconds - self._clock()


def _counted(client: str) -> str:
    """What is counted as one: of IPv6 the network that one line has, which may send from any address of it."""
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return client
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else client

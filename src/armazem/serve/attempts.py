"""How often somebody may guess the token: so many wrong ones in a while, and no more is looked at."""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from armazem.serve.answers import HttpError, retry_after

_logger = logging.getLogger(__name__)


class Attempts:
    """Counts wrong tokens by client, and at the sign-in form in all. For one thread.

    `per_client` of one address, or `in_all`, within `seconds`: then the next is answered 429 without being compared.
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
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=in_all)

    def check(self, client: str, *, form: bool = False) -> None:
        """Raises HttpError 429 where this client has guessed too often, or at the `form` all together have."""
        if not self._wrong:
            return
        wait = self._wait(self._wrong.get(client), self._per_client)
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

    def wrong(self, client: str) -> None:
        """Count one more, and say so in the log: who, and never what."""
        now = self._clock()
        times = self._wrong.setdefault(client, deque(maxlen=self._per_client))
        self._wrong.move_to_end(client)
        times.append(now)
        self._all.append(now)
        while len(self._wrong) > self._most:
            self._wrong.popitem(last=False)
        if len(times) in (1, self._per_client):  # not a line for each: a log must not be filled from outside
            _logger.warning("wrong token from %s (%d in %g s)", client or "?", len(times), self._seconds)

    def _wait(self, times: deque[float] | None, most: int) -> float:
        """Seconds until there are fewer than `most` in the window."""
        if times is None or len(times) < most:
            return 0.0
        return times[0] + self._seconds - self._clock()

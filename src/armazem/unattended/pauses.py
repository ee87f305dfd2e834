"""How long to wait after a failure before the next try."""

from __future__ import annotations

import time

_FIRST, _LONGEST = 10.0, 3600.0


class Pause:
    """Twice as long after each failure, an hour in the end. By a clock that only goes forward."""

    def __init__(self) -> None:
        self.failures = 0
        self._until = 0.0

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self._until

    def failed(self) -> None:
        self.failures += 1
        self._until = time.monotonic() + min(_LONGEST, _FIRST * 2 ** min(self.failures - 1, 20))

    def over(self) -> None:
        """It went well."""
        self.failures, self._until = 0, 0.0

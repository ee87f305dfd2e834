"""The bounded queue between those who receive messages and the one thread that writes them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Annotated

import msgspec

from armazem.journal.errors import QueueFull

_COMMIT_BYTES = 4 * 2**20
_COMMIT_MESSAGES = 2_000  # one fsync is shared by enough; with 4,000 their lines are too far away when they are written
_QUEUE_MESSAGES = 200_000  # so that many tiny messages do not take more memory than a few large ones
_LONGEST_WAIT = 30.0


class Rejection(msgspec.Struct, gc=False):
    """A refused message: its index among those submitted, and what is wrong with it where."""

    index: Annotated[int, msgspec.Meta(description="Which message of the request, from 0.")]
    code: str
    path: Annotated[str, msgspec.Meta(description="JSON path of what is wrong.")]
    message: str


class Outcome(msgspec.Struct, gc=False):
    """What became of the messages of one submission. All of it is on the disk."""

    accepted: Annotated[int, msgspec.Meta(description="Events that are on the disk now.")]
    duplicates: Annotated[int, msgspec.Meta(description="Events that were there before.")]
    rejected: list[Rejection]


class Submission(msgspec.Struct, gc=False, eq=False):
    """Messages on their way; `future` is told what became of them."""

    messages: Sequence[bytes]
    source: str
    size: int
    future: Future[Outcome]


class Intake:
    """Takes submissions in, and gives them out in commits. Safe to use from any thread."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._waiting: deque[Submission] = deque()
        self._bytes = self._taken_bytes = 0
        self._messages = self._taken_messages = 0
        self._seconds_per_byte = 0.0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def depth(self) -> tuple[int, int]:
        """Messages and bytes that wait, with those that are being written."""
        return self._messages, self._bytes

    @property
    def full_commit(self) -> bool:
        """Whether as much waits as one commit takes."""
        messages, size = self._messages - self._taken_messages, self._bytes - self._taken_bytes
        return messages >= _COMMIT_MESSAGES or size >= _COMMIT_BYTES

    def put(self, submission: Submission) -> bool:
        """Queue it; False where the queue is closed. Raises QueueFull at once where there is no room.

        One that is larger than the whole queue is taken when the queue is empty: it would never get in.
        """
        with self._changed:
            if self._closed:
                return False
            messages, size = self._messages + len(submission.messages), self._bytes + submission.size
            if self._messages and (size > self.max_bytes or messages > _QUEUE_MESSAGES):
                raise QueueFull(self._retry_after())
            self._messages, self._bytes = messages, size
            self._waiting.append(submission)
            self._changed.notify()
            return True

    def take(self, timeout: float) -> list[Submission]:
        """All that waits, up to what one commit should hold; nothing after `timeout` seconds or at the end."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(timeout)
            taken: list[Submission] = []
            size = messages = 0
            while self._waiting and size < _COMMIT_BYTES and messages < _COMMIT_MESSAGES:
                taken.append(self._waiting.popleft())
                size += taken[-1].size
                messages += len(taken[-1].messages)
            self._taken_messages += messages
            self._taken_bytes += size
            return taken

    def done(self, submissions: Sequence[Submission], seconds: float) -> None:
        """Make room for others, now that these are written or have failed."""
        messages = sum(len(submission.messages) for submission in submissions)
        size = sum(submission.size for submission in submissions)
        with self._changed:
            self._messages -= messages
            self._taken_messages -= messages
            self._bytes -= size
            self._taken_bytes -= size
            self._seconds_per_byte = seconds / max(size, 1)

    def close(self) -> None:
        """Take nothing more in. What waits is still given out."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def ended(self) -> bool:
        """Closed, and everything was given out."""
        return self._closed and not self._waiting

    def _retry_after(self) -> float:
        return min(_LONGEST_WAIT, max(0.1, self._seconds_per_byte * self._bytes))

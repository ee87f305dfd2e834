"""What Ctrl-C and SIGTERM do to the command: one ends it with one line and within seconds, a second Ctrl-C at once.

The main thread gets a KeyboardInterrupt, to give locks and half-written files back. It may never see it: what is
written in C swallows it, and one that falls into an import can leave that module's lock held for good, on which other
threads then wait. So a thread that depends on nobody watches over the end, and makes it after `LONGEST_SECONDS`.
That may come at any moment, as a kill may: files are put in place by one rename, locks are the kernel's.

This module is imported before all others, and imports nothing of theirs.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

LONGEST_SECONDS = 3.0
_LAST_ACTS_SECONDS = 0.5
_SAID = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_TAKEN = {int(number) for number in _SAID}
_SHOW_CURSOR = "\r\x1b[2K\x1b[?25h"  # a progress bar hides it


class _Watch:
    """The signals that came, and what is to be done about them."""

    def __init__(self) -> None:
        self.installed = False
        self.at_once = True  # until there is anything to give back
        self.owned = False
        self.held = False
        self.first: signal.Signals | None = None
        self.finished: signal.Signals | None = None
        self.last_acts: list[Callable[[], object]] = []
        self._telling = threading.Lock()
        self._told = False

    def install(self) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        # Python writes here as the signal comes, whatever the main thread is at.
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _SAID:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup; a shell that starts it in the background
                signal.signal(number, self._take)
        threading.Thread(target=self._watch, args=(reading,), name="interrupts", daemon=True).start()
        self.installed = True

    def _take(self, number: int, frame: FrameType | None) -> None:
        """In the main thread, as soon as it runs Python again."""
        del frame
        while self.at_once:  # the watch ends the process
            time.sleep(1)
        if self.first is None:
            self.first = signal.Signals(number)
            if not self.held:
                raise KeyboardInterrupt

    def _watch(self, pipe: int) -> None:
        deadline: float | None = None
        came: list[signal.Signals] = []
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([pipe], [], [], left)[0]:
                self.leave(came[0])
            came += [signal.Signals(number) for number in os.read(pipe, 64) if number in _TAKEN]
            if came and (self.at_once or came.count(signal.SIGINT) > 1):
                self.leave(came[0])
            if came and not self.owned:
                deadline = deadline or time.monotonic() + LONGEST_SECONDS

    def leave(self, number: signal.Signals) -> NoReturn:
        """End the process now. Does not return."""
        # Beside: what the main thread is at may hold what they need.
        acts = threading.Thread(target=self._act, daemon=True)
        acts.start()
        acts.join(_LAST_ACTS_SECONDS)
        self.tell(number)
        os._exit(self.code(number))

    def _act(self) -> None:
        for act in [*self.last_acts, _unlink_semaphores]:
            with suppress(OSError):
                act()

    def tell(self, number: signal.Signals) -> None:
        """Say it, once. Both threads may be about to end the process: the second one waits until it is said."""
        if not self._telling.acquire(timeout=_LAST_ACTS_SECONDS):
            return  # nobody reads, and the pipe is full
        try:
            if not self._told:
                self._told = True
                start = _SHOW_CURSOR if os.isatty(2) else ""
                os.write(2, f"{start}{_SAID[self.first or number]}; nothing is left half done\n".encode())
        except OSError:
            pass
        finally:
            self._telling.release()

    def code(self, number: signal.Signals) -> int:
        return 128 + (self.first or number)


def _unlink_semaphores() -> None:
    """Of dbt's adapters. They have names; a helper process of Python's unlinks those that are left, and says so."""
    synchronize = sys.modules.get("multiprocessing.synchronize")
    if synchronize is not None:
        for finalizer in list(sys.modules["multiprocessing.util"]._finalizer_registry.values()):
            if finalizer._callback is synchronize.SemLock._cleanup:
                finalizer()


_watch = _Watch()


def install() -> None:
    """Take the signals over, for a process that runs one command. Until `unwinding`, the first one ends it at once."""
    _watch.install()


def exit_code(code: int) -> int:
    """128 and the signal where one has ended the command, which is told then; else the code that it has by itself."""
    number = _watch.first or (None if code else _watch.finished)
    if number is None:
        return code
    _watch.tell(number)
    return _watch.code(number)


def finished(number: int) -> None:
    """A signal that was somebody else's has ended the command, in good order.

    After Ctrl-C that is no success, so that what a shell would do next is not done; SIGTERM is how a server is ended.
    """
    if number == signal.SIGINT:
        _watch.finished = signal.SIGINT


def came() -> bool:
    """Whether the command is ending because of a signal: what fails from now on fails for that reason."""
    return _watch.first is not None


def leave() -> None:
    """End at once, after a second Ctrl-C that somebody else took. Nothing happens in a program with its own ways."""
    if _watch.installed:
        _watch.leave(signal.SIGINT)


@contextmanager
def unwinding() -> Iterator[None]:
    """From here on the first signal is a KeyboardInterrupt."""
    with _put("at_once", False):
        yield


@contextmanager
def at_once() -> Iterator[None]:
    """For work that is better cut off than unwound: a next run clears up after it, as after a kill."""
    with _put("at_once", True):
        yield


@contextmanager
def owned() -> Iterator[None]:
    """The first signal is somebody else's, who finishes what is under way."""
    with _put("owned", True), _put("at_once", False):
        yield


@contextmanager
def held() -> Iterator[None]:
    """For renames that belong together: a signal that comes between them is a KeyboardInterrupt after them."""
    before = _watch.first
    with _put("held", True):
        yield
    if before is None and _watch.first is not None:
        raise KeyboardInterrupt


@contextmanager
def _put(name: str, value: bool) -> Iterator[None]:
    before = getattr(_watch, name)
    setattr(_watch, name, value)
    try:
        yield
    finally:
        setattr(_watch, name, before)


@contextmanager
def last_act(act: Callable[[], object]) -> Iterator[None]:
    """Call `act` also where the process is ended without unwinding: for children, which would live on."""
    _watch.last_acts.append(act)
    try:
        yield
    finally:
        _watch.last_acts.remove(act)

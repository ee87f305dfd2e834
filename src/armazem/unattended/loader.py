"""Loads what has come whole into the inbox. One file that cannot be loaded does not keep others waiting."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from armazem.disk.causes import cause_of
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.sources.archives import ARCHIVES
from armazem.unattended.children import Children, Ended
from armazem.unattended.drops import Drop, Item, Settling, drops, is_unfinished
from armazem.unattended.inbox import ChangedMeanwhile, Inbox
from armazem.unattended.memory import Memory
from armazem.unattended.notices import Notice
from armazem.unattended.pauses import Pause

_SPARE_BYTES = 64 * 2**20
_FORGOTTEN_SECONDS = 3600.0


class Loader:
    """Looks into the inbox, for the thread of the builder. `error`: why it cannot be read. `loads`: since the start.

    `waiting`: path to why it could not be loaded yet, or why its folder is left alone.
    """

    def __init__(
        self,
        home: Home,
        inbox: Inbox,
        memory: Memory,
        children: Children,
        settle_seconds: float,
        notify: Callable[[Notice], None],
    ) -> None:
        self.error: str | None = None
        self.waiting: dict[str, str] = {}
        self.loads = 0
        self._inbox = inbox
        self._memory = memory
        self._children = children
        self._notify = notify
        self._settling = Settling(settle_seconds)
        self._look_at = 0.0
        self._pauses: dict[tuple[tuple[str, str], ...], Pause] = {}
        # Of this process: a load that outlived a server which was killed may still read in that one's.
        self._work = home.root / "inbox-work" / str(os.getpid())
        for old in (home.root / "inbox-work").glob("*"):
            shutil.rmtree(old, ignore_errors=True)

    def look(self, tell: Callable[[str], None]) -> None:
        """Load what is new, if it is time to look. `tell` is called with what is being done."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._inbox.look_seconds
        try:
            items = self._inbox.items()
        except (ArmazemError, OSError) as error:
            self.error = f"the inbox {self._inbox.place} cannot be read: {error}"
            return
        self.error = None
        if items:  # else it may be a disk that is not mounted
            self._memory.forget_others({item.shown for item in items})
        found = drops(items, self._memory.handled, ARCHIVES, self._memory.refused)
        self._pauses = {drop.seal: self._pauses.get(drop.seal, Pause()) for drop in found}
        self._note(items, found)
        for drop in self._settling.whole(found, now):
            if self._children.stopped:
                return
            if not self._pauses[drop.seal].lasts:
                tell(f"loading {drop.shown}")
                self._load(drop)
                tell("")

    def _note(self, items: list[Item], found: list[Drop]) -> None:
        """What waits for longer than it should."""
        paused = {drop.shown: self.waiting.get(drop.shown, "") for drop in found if self._pauses[drop.seal].failures}
        old = [item for item in items if is_unfinished(item) and time.time() - item.modified > _FORGOTTEN_SECONDS]
        forgotten = {item.shown: "it is unfinished for over an hour, and its folder waits for it" for item in old}
        self.waiting = paused | forgotten | dict.fromkeys(self._inbox.unreadable, "the folder cannot be read")

    def _load(self, drop: Drop) -> None:
        try:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir(parents=True)
            self._check_room(drop)
            path = self._inbox.copy(drop, self._work, lambda: self._children.stopped)
            ended = self._children.run("load", str(path), "--partial")
        except ChangedMeanwhile:
            return  # it is not whole yet
        except ArmazemError as error:
            ended = Ended(1, {}, str(error))
        except OSError as error:
            ended = Ended(1, {}, cause_of(error, Path(self._inbox.place)).reason)
        finally:
            shutil.rmtree(self._work, ignore_errors=True)
        if self._children.stopped:
            return
        refused = ended.report.get("refused")
        if ended.code and not refused:  # such as a full disk: it may go better later
            self._pauses[drop.seal].failed()
            self.waiting[drop.shown] = ended.error or f"loading it ended with exit code {ended.code}"
            return
        for item in drop.items:
            self._memory.take(item.shown, item.version, str(refused) if refused else None)
        self._memory.write()
        if refused:
            self._notify(Notice("load_refused", f"{drop.shown}: {refused}", str(ended.report.get("hint", ""))))
        elif ended.report.get("load_id"):
            self.loads += 1

    def _check_room(self, drop: Drop) -> None:
        """A copy that fills the disk would keep events from being written."""
        size, free = sum(item.size for item in drop.items), shutil.disk_usage(self._work).free
        if size + _SPARE_BYTES > free:
            raise HomeError(f"the disk has {free / 2**20:,.0f} MiB left, too little to copy {size / 2**20:,.0f} MiB")

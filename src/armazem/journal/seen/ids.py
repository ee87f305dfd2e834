"""The key of every event ever accepted, exactly, in little memory, and the number of the event that has it.

A Bloom filter in memory knows nearly all new keys for new. For the others their digests are looked up: those of the
newest keys are in memory; when they are many, a thread writes them as a sorted run under `journal/seen` and merges runs
of similar size. A key is an event's `event_id`, with the name of its sender where it has one. A digest has 128 bits:
two of 10^12 keys share one with a chance below 10^-14, so an answer is as exact as the memory of the machine.

The runs are derived from the journal: what is missing, damaged, or of another journal is made anew from it when
`SeenIds` is opened. So a crash, also in the middle of a merge, loses nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal.digests import Words, digests_of, words
from armazem.journal.reading import event_keys, last_seq
from armazem.journal.seen.bloom import BloomFilter, Vector
from armazem.journal.seen.recent import Recent
from armazem.journal.seen.runs import ENTRY, DamagedRun, Entries, Run, merge_runs, usable_runs, write_run

_FIRST_FILTER = 26  # 2^26 bits, 8 MiB: for 4.2 million ids; each further filter is twice as large
_NOTHING: tuple[Sequence[str], Words] = ([], words(b""))
_WAITING = 2  # full sets that may wait for the disk before `commit` waits too

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Full:
    """A set that is complete and waits to be written."""

    digests: Recent
    first_seq: int
    last_seq: int


class SeenIds:
    """The keys of one journal, for its one writer. Not for several threads.

    `found`: of the last `check`, each key that was accepted before, and the number of its event in the journal.
    """

    @classmethod
    def open(cls, home: Home, *, recent: int = 131_072, fanout: int = 4) -> SeenIds:
        """Return the ids of the journal in this home folder; the caller holds its writer's lock and has recovered it.

        The digests of `recent` ids are kept in memory; `fanout` runs of similar size are merged into one.
        Raises HomeError where the journal cannot be read, OSError where the folder of the runs cannot be used.
        """
        folder = home.journal / "seen"
        folder.mkdir(parents=True, exist_ok=True)
        seen = cls(folder, recent, fanout)
        seen._open_runs(last_seq(home))
        if not seen._catch_up(home):  # the runs are of another journal: one was restored from a copy, say
            seen._open_runs(0)
            seen._catch_up(home)
        return seen

    def __init__(self, folder: Path, recent: int, fanout: int) -> None:
        self.found: dict[str, int] = {}
        self._folder, self._limit, self._fanout = folder, recent, fanout
        self._recent = Recent()
        self._full: list[_Full] = []  # oldest first
        self._runs: list[Run] = []  # oldest first, without a gap
        self._filters = [BloomFilter(_FIRST_FILTER)]  # over all ids
        self._written = 0  # last seq in the runs and full sets
        self._checked: tuple[Sequence[str], Words] = _NOTHING
        self._workers = ThreadPoolExecutor(2, "seen-ids")
        self._writing: Future[Run] | None = None
        self._merging: Future[Run] | None = None
        self._merged: list[Run] = []  # what the merge under way is made of
        self._failed = False  # to write a file; it is tried again when the next set is full

    def check(self, event_ids: Sequence[str]) -> list[bool]:
        """Return for each id: True if it was never accepted before, and does not stand earlier in the batch.

        Nothing is recorded. Raises HomeError where a run was damaged since it was opened.
        """
        self._settle()
        digests = digests_of(event_ids)
        self._checked = event_ids, digests
        self.found = {event_ids[at]: seq for at, seq in self._held(digests)}
        known = set(self.found)
        if not known and not _may_repeat(digests):
            return [True] * len(event_ids)
        new = []
        for event_id in event_ids:
            new.append(event_id not in known)
            known.add(event_id)
        return new

    def commit(self, event_ids: Sequence[str], last_seq: int) -> None:
        """Record the keys of events that the journal has on disk under numbers without a gap, up to this one."""
        checked, digests = self._checked
        if event_ids != checked:
            digests = digests_of(event_ids)
        self._checked = _NOTHING
        self._record(digests, np.arange(last_seq - len(digests) + 1, last_seq + 1, dtype=np.uint64), last_seq)

    def _record(self, digests: Words, seqs: Vector, last_seq: int) -> None:
        self._recent.add(digests, seqs)
        self._add_to_filters(digests)
        if self._recent.count < self._limit:
            self._settle()
            return
        self._full.append(_Full(self._recent, self._written + 1, last_seq))
        self._recent, self._written = Recent(), last_seq
        self._failed = False
        self._start()
        self._settle(wait=len(self._full) > _WAITING)

    def close(self) -> None:
        """Let what is being written end. The newest ids are read from the journal when it is opened again."""
        self._workers.shutdown()
        with contextlib.suppress(HomeError):  # of a damaged run: it is made anew when it is opened
            self._settle(more=False)
        self._close_runs()

    def _held(self, digests: Words) -> list[tuple[int, int]]:
        """The positions of those that were accepted, each with the number of its event."""
        hits = self._filters[0].perhaps(digests)
        for one in self._filters[1:]:
            hits |= one.perhaps(digests)
        positions = hits.nonzero()[0]
        if not len(positions):
            return []
        asked = digests[positions]
        seqs = self._recent.find(asked)
        for full in self._full:
            np.maximum(seqs, full.digests.find(asked), out=seqs)
        for at in np.flatnonzero(seqs == 0).tolist():
            digest = asked[at].tobytes()
            seqs[at] = next((seq for run in reversed(self._runs) if (seq := run.find(digest))), 0)
        held = seqs > 0
        return list(zip(positions[held].tolist(), seqs[held].tolist(), strict=True))

    # Threads make files; the caller's thread takes them into use, so that nothing needs a lock. A large merge takes
    # seconds, so writing does not wait for it.

    def _start(self) -> None:
        if self._failed:
            return
        if self._full and self._writing is None:
            self._writing = self._workers.submit(self._write, self._full[0])
        if self._merging is None and (group := self._similar()):
            self._merging, self._merged = self._workers.submit(merge_runs, self._folder, group), group

    def _settle(self, *, wait: bool = False, more: bool = True) -> None:
        """Take what is ready into use; with `wait`, when it is written."""
        if (writing := self._writing) is not None and (wait or writing.done()):
            self._writing = None
            if run := self._result(writing):
                self._runs.append(run)
                del self._full[0]
        if (merging := self._merging) is not None and merging.done():
            self._merging = None
            if run := self._result(merging):
                at = self._runs.index(self._merged[0])
                self._runs[at : at + len(self._merged)] = [run]
                for old in self._merged:
                    old.discard()
        if more:
            self._start()

    def _result(self, job: Future[Run]) -> Run | None:
        try:
            return job.result()
        except DamagedRun as error:
            raise HomeError(str(error), "start again: it is made anew from the journal") from error
        except (OSError, HomeError) as error:
            _logger.warning("ids of accepted events could not be written to %s: %s", self._folder, error)
            self._failed = True
            return None

    def _write(self, full: _Full) -> Run:
        return write_run(self._folder, Entries(*full.digests.all()), full.first_seq, full.last_seq)

    def _add_to_filters(self, digests: Words) -> None:
        if self._filters[-1].count >= self._filters[-1].capacity:
            self._filters.append(BloomFilter(self._filters[-1].log2_bits + 1))
        self._filters[-1].add(digests)

    def _similar(self) -> list[Run]:
        """The newest runs, where enough of them have a size of the same order, or smaller."""
        limit = self._limit * 2
        while True:
            first = len(self._runs)
            while first and self._runs[first - 1].count < limit:
                first -= 1
            if len(self._runs) - first >= self._fanout:
                return self._runs[first:]
            if first == 0:
                return []
            limit *= self._fanout

    # Opening: the runs that fit the journal, then the journal from there on.

    def _open_runs(self, end: int) -> None:
        """Take the whole runs up to seq `end` into use, and remove the other files."""
        self._close_runs()
        ids = sum(path.stat().st_size for path in self._folder.glob("*.run")) // ENTRY
        self._filters = [BloomFilter(max(_FIRST_FILTER, (ids * 20).bit_length()))]
        self._runs = usable_runs(self._folder, end, self._add_to_filters)
        self._written = self._runs[-1].last_seq if self._runs else 0

    def _close_runs(self) -> None:
        for run in self._runs:
            run.close()
        self._runs = []

    def _catch_up(self, home: Home) -> bool:
        """Record what the journal has after the runs. False if its event at their end is not in them."""
        after = self._written
        first = True
        for keys, seqs in event_keys(home, after=max(after - 1, 0)):
            if first and after and not self._runs[-1].find(digests_of(keys[:1]).tobytes()):
                return False
            first = False
            self._record(digests_of(keys), np.array(seqs, dtype=np.uint64), seqs[-1])
        return not (first and after)


def _may_repeat(digests: Words) -> bool:
    """Whether two of them have the same first word."""
    first = np.sort(digests[:, 0])
    return bool((first[1:] == first[:-1]).any())

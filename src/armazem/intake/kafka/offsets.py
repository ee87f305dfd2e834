"""Which offsets of a topic may be committed, and from where to read again: a book without a clock or a network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Span:
    """What a batch has of a partition: from the offset `first` to the one before `after`."""

    partition: int
    first: int
    after: int
    written: bool = False


Taken = tuple[Span, ...]
"""A batch, as the book has it: a span of each partition in it."""


class Offsets:
    """The partitions that are ours, and how far each of them is read, written and committed.

    Of a partition an offset is due once every batch before it is written, whatever the order in which they end. What
    failed is read again from where it began, and so is all that was read after it: nothing of that counts any more,
    though it may be written.
    """

    def __init__(self) -> None:
        self._under_way: dict[int, deque[Span]] = {}
        self._due: dict[int, int] = {}
        self._back: dict[int, int] = {}
        self._ended: set[int] = set()

    def assign(self, partitions: Iterable[int]) -> None:
        """They are ours from now on, and are read from what was committed."""
        for partition in partitions:
            self.forget([partition])
            self._under_way[partition] = deque()

    def forget(self, partitions: Iterable[int]) -> None:
        """They are ours no more: whoever has them goes on from what was committed."""
        for partition in partitions:
            self._under_way.pop(partition, None)
            self._due.pop(partition, None)
            self._back.pop(partition, None)
            self._ended.discard(partition)

    def wants(self, partition: int) -> bool:
        """Whether what comes of it is to be taken: it is ours, and no reading again is outstanding."""
        return partition in self._under_way and partition not in self._back

    def take(self, read: Iterable[tuple[int, int]]) -> Taken:
        """Enter a batch: partition and offset of its messages, in the order of their coming, of wanted partitions."""
        spans: dict[int, Span] = {}
        for partition, offset in read:
            span = spans.get(partition)
            if span is None:
                spans[partition] = Span(partition, offset, offset + 1)
            else:
                span.after = offset + 1
        for partition, span in spans.items():
            self._under_way[partition].append(span)
            self._ended.discard(partition)
        return tuple(spans.values())

    def wrote(self, taken: Taken) -> None:
        """The batch is kept for good."""
        for span in taken:
            span.written = True
            under_way = self._under_way.get(span.partition, deque())
            while under_way and under_way[0].written:
                self._due[span.partition] = under_way.popleft().after

    def failed(self, taken: Taken) -> None:
        """The batch could not be kept."""
        for span in taken:
            under_way = self._under_way.get(span.partition, deque())
            if span not in under_way:  # it was given up with one before it, or with its partition
                continue
            while under_way.pop() is not span:
                pass
            self._back[span.partition] = span.first
            self._ended.discard(span.partition)

    def passed_over(self, partition: int, offset: int) -> None:
        """A message came that is not taken now."""
        if partition in self._under_way:
            self._back[partition] = min(offset, self._back.get(partition, offset))
            self._ended.discard(partition)

    @property
    def back(self) -> Mapping[int, int]:
        """From where partitions have to be read again. Until then nothing of them is taken."""
        return dict(self._back)

    def sought(self, partition: int) -> None:
        """It is read from there now."""
        self._back.pop(partition, None)

    @property
    def due(self) -> Mapping[int, int]:
        """What to commit: of each partition the offset after the last message that is kept, with all before it."""
        return dict(self._due)

    def committed(self, offsets: Mapping[int, int]) -> None:
        """The group has these."""
        for partition, offset in offsets.items():
            if self._due.get(partition) == offset:
                del self._due[partition]

    def reached_end(self, partition: int) -> None:
        """There is nothing in it now that was not read."""
        if self.wants(partition):
            self._ended.add(partition)

    @property
    def all_done(self) -> bool:
        """Whether every partition was read to its end, and all of it is written and committed."""
        return not self._due and not any(self._under_way.values()) and self._ended >= self._under_way.keys()

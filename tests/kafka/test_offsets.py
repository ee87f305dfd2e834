"""Whatever is written, fails, comes and goes in any order: nothing is committed that is not kept, nothing skipped."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from soak import fuzz

from armazem.intake.kafka.offsets import Offsets, Taken

PARTITIONS = 3
# With gaps, as compaction and the marks of transactions leave them.
LOG = {partition: [n + n // 3 * (partition + 1) for n in range(12)] for partition in range(PARTITIONS)}


class Reading(RuleBasedStateMachine):
    """A group of one member and its topic: what the client would deliver, what the sink keeps, what Kafka has."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = Offsets()
        self.position: dict[int, int] = {}  # of what is ours: the next offset that the client delivers
        self.committed = dict.fromkeys(range(PARTITIONS), 0)
        self.kept: set[tuple[int, int]] = set()
        self.under_way: list[tuple[Taken, list[tuple[int, int]]]] = []

    def deliver(self, partition: int, most: int) -> list[tuple[int, int]]:
        found = [offset for offset in LOG[partition] if offset >= self.position[partition]][:most]
        if found:
            self.position[partition] = found[-1] + 1
        else:
            self.offsets.reached_end(partition)
        return [(partition, offset) for offset in found]

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def assign(self, partition: int) -> None:
        if partition not in self.position:
            self.offsets.assign([partition])
            self.position[partition] = self.committed[partition]

    @precondition(lambda self: self.position)
    @rule(data=st.data(), most=st.integers(1, 6))
    def poll(self, data: st.DataObject, most: int) -> None:
        some = data.draw(st.sets(st.sampled_from(sorted(self.position)), min_size=1))
        read = [one for partition in sorted(some) for one in self.deliver(partition, most)]
        wanted = [(partition, offset) for partition, offset in read if self.offsets.wants(partition)]
        if wanted:
            self.under_way.append((self.offsets.take(wanted), wanted))

    @precondition(lambda self: self.position)
    @rule(data=st.data())
    def poll_while_held(self, data: st.DataObject) -> None:
        """A message that had been fetched before the client was told to wait."""
        for partition, offset in self.deliver(data.draw(st.sampled_from(sorted(self.position))), 1):
            self.offsets.passed_over(partition, offset)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def kept_for_good(self, data: st.DataObject) -> None:
        taken, messages = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.kept.update(messages)
        self.offsets.wrote(taken)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), kept=st.booleans())
    def fails(self, data: st.DataObject, kept: bool) -> None:
        """Also one of which some is kept though it is said to have failed."""
        taken, messages = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        if kept:
            self.kept.update(messages[::2])
        self.offsets.failed(taken)

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def seek(self, partition: int) -> None:
        offset = self.offsets.back.get(partition)
        if offset is not None:
            self.position[partition] = offset
            self.offsets.sought(partition)

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def commit(self, partition: int) -> None:
        """Any of what is due; a commit that fails is none."""
        offset = self.offsets.due.get(partition)
        if offset is not None:
            assert offset > self.committed[partition]
            self.committed[partition] = offset
            self.offsets.committed({partition: offset})

    @rule(partition=st.integers(0, PARTITIONS - 1), committed=st.booleans())
    def goes_to_another(self, partition: int, committed: bool) -> None:
        """Revoked, with or without a commit before; or lost."""
        if partition in self.position:
            if committed:
                self.commit(partition)
            self.offsets.forget([partition])
            del self.position[partition]

    @invariant()
    def all_before_a_committed_offset_is_kept(self) -> None:
        for partition, committed in {**self.committed, **self.offsets.due}.items():
            assert {(partition, offset) for offset in LOG[partition] if offset < committed} <= self.kept

    @invariant()
    def done_is_said_only_where_it_is(self) -> None:
        if self.offsets.all_done:
            for partition in self.position:
                assert self.committed[partition] > LOG[partition][-1]

    def teardown(self) -> None:
        """From any state it comes to an end, where nothing fails any more."""
        for partition in range(PARTITIONS):
            self.assign(partition)
        for _ in range(4 * len(LOG[0])):
            for partition in range(PARTITIONS):
                self.seek(partition)
                read = [one for one in self.deliver(partition, 20) if self.offsets.wants(partition)]
                if read:
                    self.under_way.append((self.offsets.take(read), read))
            while self.under_way:
                taken, messages = self.under_way.pop(0)
                self.kept.update(messages)
                self.offsets.wrote(taken)
            for partition in range(PARTITIONS):
                self.commit(partition)
            if self.offsets.all_done:
                break
        assert self.offsets.all_done
        assert self.kept == {(partition, offset) for partition, offsets in LOG.items() for offset in offsets}


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=fuzz(60), stateful_step_count=60, deadline=None)


def test_what_is_written_out_of_turn_waits() -> None:
    offsets = Offsets()
    offsets.assign([0, 1])
    first, second = offsets.take([(0, 5), (0, 6), (1, 0)]), offsets.take([(0, 7)])
    offsets.wrote(second)
    assert offsets.due == {}
    offsets.wrote(first)
    assert offsets.due == {0: 8, 1: 1}
    offsets.committed({0: 8, 1: 0})
    assert offsets.due == {1: 1}


def test_what_was_read_after_a_failure_is_read_again() -> None:
    offsets = Offsets()
    offsets.assign([0])
    before, failing, after = offsets.take([(0, 1)]), offsets.take([(0, 2)]), offsets.take([(0, 3)])
    offsets.failed(failing)
    offsets.wrote(after)
    offsets.wrote(before)
    assert (offsets.due, offsets.back, offsets.wants(0)) == ({0: 2}, {0: 2}, False)
    offsets.sought(0)
    offsets.wrote(offsets.take([(0, 2), (0, 3)]))
    assert (offsets.due, offsets.back) == ({0: 4}, {})


def test_an_end_that_is_reached_is_no_end_while_something_waits() -> None:
    offsets = Offsets()
    offsets.assign([0])
    taken = offsets.take([(0, 0)])
    offsets.reached_end(0)
    assert not offsets.all_done
    offsets.wrote(taken)
    assert not offsets.all_done
    offsets.committed(offsets.due)
    assert offsets.all_done

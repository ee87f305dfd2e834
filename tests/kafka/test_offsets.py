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

    def give(self, partition: int) -> None:
        self.offsets.assign([partition])
        self.position[partition] = self.committed[partition]

    def seek(self, partition: int) -> None:
        self.position[partition] = self.offsets.back[partition]
        self.offsets.sought(partition)

    def commit(self, partition: int) -> None:
        offset = self.offsets.due[partition]
        assert offset > self.committed[partition]
        self.committed[partition] = offset
        self.offsets.committed({partition: offset})

    @precondition(lambda self: len(self.position) < PARTITIONS)
    @rule(data=st.data())
    def comes_to_us(self, data: st.DataObject) -> None:
        self.give(data.draw(st.sampled_from(sorted(set(range(PARTITIONS)) - self.position.keys()))))

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

    @precondition(lambda self: self.offsets.back)
    @rule(data=st.data())
    def is_read_again(self, data: st.DataObject) -> None:
        self.seek(data.draw(st.sampled_from(sorted(self.offsets.back))))

    @precondition(lambda self: self.offsets.due)
    @rule(data=st.data())
    def is_committed(self, data: st.DataObject) -> None:
        """Any of what is due; a commit that fails is none."""
        self.commit(data.draw(st.sampled_from(sorted(self.offsets.due))))

    @precondition(lambda self: self.position)
    @rule(data=st.data(), commits=st.booleans(), further=st.integers(0, 3))
    def goes_to_another(self, data: st.DataObject, commits: bool, further: int) -> None:
        """Revoked, with or without a commit before; or lost. The other one may be further when it comes back."""
        partition = data.draw(st.sampled_from(sorted(self.position)))
        if commits and partition in self.offsets.due:
            self.commit(partition)
        self.offsets.forget([partition])
        del self.position[partition]
        for offset in [one for one in LOG[partition] if one >= self.committed[partition]][:further]:
            self.kept.add((partition, offset))
            self.committed[partition] = offset + 1

    @invariant()
    def all_before_a_committed_offset_is_kept(self) -> None:
        for partition, committed in {**self.committed, **self.offsets.due}.items():
            assert {(partition, offset) for offset in LOG[partition] if offset < committed} <= self.kept

    @invariant()
    def nothing_is_said_of_what_is_not_ours(self) -> None:
        """Another member may be further: what we would commit would set it back."""
        assert self.offsets.due.keys() | self.offsets.back.keys() <= self.position.keys()
        assert all(self.offsets.wants(partition) <= (partition in self.position) for partition in range(PARTITIONS))

    @invariant()
    def done_is_said_only_where_it_is(self) -> None:
        if self.offsets.all_done:
            for partition in self.position:
                assert self.committed[partition] > LOG[partition][-1]

    def teardown(self) -> None:
        """From any state it comes to an end, where nothing fails any more."""
        for partition in set(range(PARTITIONS)) - self.position.keys():
            self.give(partition)
        for _ in range(4 * len(LOG[0])):
            for partition in range(PARTITIONS):
                if partition in self.offsets.back:
                    self.seek(partition)
                read = [one for one in self.deliver(partition, 20) if self.offsets.wants(partition)]
                if read:
                    self.under_way.append((self.offsets.take(read), read))
            while self.under_way:
                taken, messages = self.under_way.pop(0)
                self.kept.update(messages)
                self.offsets.wrote(taken)
            for partition in self.offsets.due:
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


def at_its_end() -> Offsets:
    """One partition, read to its end and committed."""
    offsets = Offsets()
    offsets.assign([0])
    offsets.wrote(offsets.take([(0, 0)]))
    offsets.committed(offsets.due)
    offsets.reached_end(0)
    assert offsets.all_done
    return offsets


def test_an_end_is_none_any_more_once_something_came() -> None:
    offsets = at_its_end()
    offsets.wrote(offsets.take([(0, 1)]))
    offsets.committed(offsets.due)
    assert not offsets.all_done
    offsets.reached_end(0)
    assert offsets.all_done


def test_an_end_is_none_while_it_has_to_be_read_again() -> None:
    offsets = at_its_end()
    offsets.passed_over(0, 1)
    offsets.reached_end(0)
    assert not offsets.all_done
    offsets.sought(0)
    assert not offsets.all_done

    offsets = Offsets()
    offsets.assign([0])
    taken = offsets.take([(0, 0)])
    offsets.reached_end(0)
    offsets.failed(taken)
    offsets.sought(0)
    assert not offsets.all_done


def test_of_what_passed_the_first_is_read_again() -> None:
    offsets = at_its_end()
    for offset in (5, 4, 6):
        offsets.passed_over(0, offset)
    offsets.passed_over(1, 4)
    assert offsets.back == {0: 4}


def test_of_what_failed_the_first_is_read_again() -> None:
    """In whichever order they fail."""
    offsets = Offsets()
    offsets.assign([0])
    first, second = offsets.take([(0, 0)]), offsets.take([(0, 1)])
    offsets.failed(second)
    offsets.failed(first)
    assert offsets.back == {0: 0}


def test_what_was_given_up_before_cannot_fail_again() -> None:
    """Nor does its failure touch what was read since."""
    offsets = Offsets()
    offsets.assign([0])
    first, second = offsets.take([(0, 0)]), offsets.take([(0, 1)])
    offsets.failed(first)
    offsets.sought(0)
    again = offsets.take([(0, 0), (0, 1)])
    offsets.failed(second)
    assert offsets.back == {}
    offsets.wrote(again)
    assert offsets.due == {0: 2}


def test_what_comes_again_begins_anew() -> None:
    """Whether it was said to go or not: of what was before nothing counts."""
    for goes in (True, False):
        offsets = at_its_end()
        offsets.wrote(offsets.take([(0, 1)]))
        before, late = offsets.take([(0, 2)]), offsets.take([(0, 3)])
        offsets.failed(late)
        if goes:
            offsets.forget([0])
        offsets.assign([0])
        assert (offsets.due, offsets.back, offsets.all_done) == ({}, {}, False)
        offsets.wrote(before)
        assert offsets.due == {}

"""The functions of the steps by themselves: pickled, and over bundles that were given up."""

from __future__ import annotations

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

import grpc
from apache_beam.internal import pickler
from apache_beam.pvalue import TaggedOutput
from write_server import WriteServer

from armazem.beam.steps import Append, Check
from armazem.errors import CloudError
from armazem.targets.bigquery.streaming.rows import Piece, rows_of

from .messages import SOURCE, ZONE, canonical, expected, messages


def pieces(first: int, last: int) -> list[Piece]:
    return rows_of(messages(last)[first:], SOURCE, ZONE).pieces


def test_check_gives_each_piece_to_its_output() -> None:
    check = pickler.loads(pickler.dumps(Check(SOURCE, "America/Sao_Paulo")))
    found = list(check.process(messages(20)))
    assert [one.tag if isinstance(one, TaggedOutput) else "events" for one in found] == ["events", "dead_letters"]
    assert [one.value if isinstance(one, TaggedOutput) else one for one in found] == pieces(0, 20)
    assert list(check.process([])) == []


def test_a_bundle_that_was_given_up_leaves_nothing_to_the_next() -> None:
    """Of the first bundle one row is refused, and the bundle never ends; the next one's function is the same object."""
    with WriteServer(refuse={"event-3": "no"}) as server:
        append = pickler.loads(pickler.dumps(Append("demo-project.raw", server.address, 5)))
        append.setup()
        append.start_bundle()
        for piece in pieces(0, 9):
            append.process(piece)
        append.start_bundle()
        for piece in pieces(20, 30):
            append.process(piece)
        append.finish_bundle()
        append.teardown()
        # Of the first bundle rows may be there, as some had been sent. Its refused one is not, in either table.
        wanted = expected(messages(30)[20:])
        assert set(wanted["events"]) <= set(canonical(server.rows("events")))
        assert canonical(server.rows("dead_letters")) == wanted["dead_letters"]


def test_a_bundle_without_rows_connects_to_nothing() -> None:
    append = Append("demo-project.raw", "127.0.0.1:1", 5)
    append.setup()
    append.start_bundle()
    append.finish_bundle()
    append.teardown()


def test_what_fails_is_the_bundle_and_not_the_function() -> None:
    """BigQuery is away, then it is there: the same object writes the bundle when it comes again."""
    with WriteServer(fail=[grpc.StatusCode.UNAVAILABLE] * 1000) as server:
        append = Append("demo-project.raw", server.address, 0.5)
        append.setup()

        def bundle() -> None:
            append.start_bundle()
            for piece in pieces(0, 9):
                append.process(piece)
            append.finish_bundle()

        with pytest.raises(CloudError, match="BigQuery did not take rows"):
            bundle()
        server.fail.clear()
        bundle()
        append.teardown()
        assert canonical(server.rows("events")) == expected(messages(9))["events"]

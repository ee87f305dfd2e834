"""Whatever feeds the pipeline, and in whatever order: the rows are those of the pure functions."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from apache_beam.metrics import MetricsFilter
from apache_beam.testing import test_stream
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from armazem.beam.options import parse
from armazem.beam.pipeline import build
from armazem.beam.steps import as_message, weight
from armazem.targets.bigquery.streaming.rows import Message

from .conftest import Cloud
from .messages import FIRST, SUBSCRIPTION, canonical, expected, messages, of_beam

# One runs bundle by bundle, the other one stage by stage, over coders, as a service does.
RUNNERS = ("BundleBasedDirectRunner", "apache_beam.runners.portability.fn_api_runner.FnApiRunner")


def run(cloud: Cloud, source: Any, *arguments: str, runner: str = RUNNERS[0]) -> dict[str, int]:
    """Run the pipeline on what `source` makes, to its end; return its counters."""
    options = parse([f"--subscription={SUBSCRIPTION}", f"--runner={runner}", *cloud.arguments, *arguments])
    pipeline = beam.Pipeline(options=options)
    build(pipeline | source, options)
    result = pipeline.run()
    result.wait_until_finish()
    counts: Counter[str] = Counter()
    for counter in result.metrics().query(MetricsFilter().with_namespace("armazem"))["counters"]:
        counts[counter.key.metric.name] += counter.committed
    return dict(counts)


@beam.ptransform_fn
def given(pipeline: Any, found: list[Message]) -> Any:
    """Messages of Beam. They are made behind Create, which takes a millisecond for each of them."""
    return pipeline | beam.Create([tuple(one) for one in found]) | beam.Map(of_beam)


def written(cloud: Cloud) -> dict[str, list[str]]:
    return {table: canonical(cloud.rows(table)) for table in ("events", "dead_letters")}


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda name: name.rpartition(".")[2])
def test_rows_are_those_of_the_pure_functions(cloud: Cloud, runner: str) -> None:
    found = messages(400)
    counts = run(cloud, given(found), "--batch_size=70", runner=runner)
    there, wanted = written(cloud), expected(found)
    assert there == wanted
    accepted, refused = len(wanted["events"]), len(wanted["dead_letters"])
    assert (accepted, refused) == (360, 40)
    assert counts.pop("armazem_messages_accepted") == accepted
    assert counts.pop("armazem_messages_dead_letters") == refused
    assert sum(counts.values()) == refused  # the rest are the codes of the refused ones
    assert {"armazem_dead_letters_not_json", "armazem_dead_letters_too_large"} <= set(counts)


def test_the_way_does_not_matter(cloud: Cloud) -> None:
    """Shuffled, each message up to three times, in batches of other sizes: the same rows, as often as it came."""
    found = messages(150)
    often = [one for one in found for _ in range(random.Random(7).randint(1, 3))]
    random.Random(8).shuffle(often)
    run(cloud, given(often), "--batch_size=13")
    assert written(cloud) == expected(often)
    assert {table: set(rows) for table, rows in written(cloud).items()} == {
        table: set(rows) for table, rows in expected(found).items()
    }


def late(found: list[Message]) -> test_stream.TestStream:
    """The newest first; then the watermark passes all of them, and the older ones come, late; between them, nothing."""
    stream = test_stream.TestStream()
    half = len(found) // 2
    passed = int(max(one.published for one in found).timestamp())
    for part in (found[half:], [], found[:half]):
        shuffled = random.Random(3).sample(part, len(part))
        for start in range(0, len(shuffled), 40):
            some = shuffled[start : start + 40]
            stream.add_elements([TimestampedValue(of_beam(one), one.published.timestamp()) for one in some])
            stream.advance_processing_time(5)
        passed += 60
        stream.advance_watermark_to(passed)
    return stream.advance_watermark_to_infinity()


@beam.ptransform_fn
def in_windows(pipeline: Any, found: list[Message]) -> Any:
    """With minutes whose pane is empty, as nothing in them came in time."""
    return pipeline | late(found) | beam.WindowInto(FixedWindows(60), allowed_lateness=10**6)


@pytest.mark.parametrize("source", [late, in_windows], ids=["global window", "windows of a minute"])
def test_late_and_disordered(cloud: Cloud, source: Callable[[list[Message]], Any]) -> None:
    found = messages(200)
    run(cloud, source(found), "--streaming")
    assert written(cloud) == expected(found)


def test_nothing(cloud: Cloud) -> None:
    """No message, no bundle with rows: no table is touched, and no counter is there."""
    assert (
        run(cloud, test_stream.TestStream().advance_watermark_to(1000).advance_watermark_to_infinity(), "--streaming")
        == {}
    )
    assert written(cloud) == {"events": [], "dead_letters": []}


def test_large_messages_make_small_batches(cloud: Cloud) -> None:
    """A thousand of a megabyte each, held at once, would be a gigabyte."""
    found = [Message(bytes([65 + number]) * 2**20, f"{number}", FIRST) for number in range(12)]
    assert weight(found[0]) == 129
    options = parse([f"--subscription={SUBSCRIPTION}", f"--runner={RUNNERS[0]}", *cloud.arguments, "--batch_size=500"])
    pipeline = beam.Pipeline(options=options)
    build(pipeline | given(found), options)
    result = pipeline.run()
    result.wait_until_finish()
    [sizes] = result.metrics().query(MetricsFilter().with_name("batch_size"))["distributions"]
    assert sizes.committed.sum == 12 * 129 and sizes.committed.max < 500 + 129 and sizes.committed.count >= 3
    assert written(cloud) == expected(found)


def test_a_message_without_id_or_time_of_its_own() -> None:
    """As from a file: the digest of its bytes, and the time of the element."""
    from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

    one = as_message(PubsubMessage(b"{}", {}), Timestamp.from_utc_datetime(FIRST))
    assert one == Message(b"{}", "44136fa355b3678a1146ad16f7e8649e", FIRST)
    assert as_message(PubsubMessage(None, {"a": "b"}), Timestamp.from_utc_datetime(FIRST)).data == b""
    with pytest.raises(ValueError, match="neither a time"):
        as_message(PubsubMessage(b"{}", {}), MIN_TIMESTAMP)

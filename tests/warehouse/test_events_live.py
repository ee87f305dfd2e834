"""The live views show batch rows and every event up to now, whichever way the events came."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from contract.event_examples import Message, canonical
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import differences
from soak import NUMBERS

from armazem.config import Settings
from armazem.contract.events import Accepted, process_batch
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal.compaction import compact
from armazem.journal.journal import received_at
from armazem.shop.history import generate
from armazem.targets.duckdb.query import run_query

from . import history
from .event_reference import KEYS, ZONE, Load, Tables, staging
from .event_sets import Cast, cast_of, some_events
from .shop import Shop

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VIEWS = ("orders", "order_items", "order_payments")


@dataclass(frozen=True, slots=True)
class Built:
    """A published build with events in it, and all that it was made of."""

    home: Home
    loads: list[Load]
    cast: Cast
    events: list[Message]
    last_seq: int

    def forget(self) -> None:
        """Take the journal back to the build."""
        for segment in self.home.journal.glob("date=*/*"):
            if int(segment.stem) > self.last_seq:
                segment.unlink()

    def rows(self, view: str) -> list[dict[str, object]]:
        answer = run_query(self.home, f"from live.{view}")
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


@pytest.fixture(scope="module")
def built(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("live") / "shop"
    generate(folder, orders=120, seed=4)
    tables = history.read(folder)
    loaded = shop.load(folder)
    assert loaded.load_id is not None
    cast = cast_of(tables, random.Random(4), known=4, new=3)
    events = some_events(random.Random(5), cast, 25, "built")
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        assert writer.submit([canonical(event) for event in events], "ingest").result().accepted == len(events)
    shop.build()
    return Built(shop.home, [Load(loaded.load_id, tables)], cast, events, len(events))


def write_segments(home: Home, lines: list[bytes], first: int, cuts: list[int]) -> None:
    """The lines as segments that begin at the cuts."""
    folder = home.journal / "date=2026-11-23"
    folder.mkdir(exist_ok=True)
    bounds = sorted({0, *cuts, len(lines)})
    envelope = b'"received_at":"%b","source":"http"' % received_at(NOW).encode()
    for begin, end in pairwise(bounds):
        numbered = (b'{"seq":%d,%b,%b\n' % (first + place, envelope, lines[place]) for place in range(begin, end))
        (folder / f"{first + begin:016d}.jsonl").write_bytes(b"".join(numbered))


def live_differences(built: Built, expected: Tables) -> list[str]:
    return [f"{view}: {text}" for view in VIEWS for text in differences(expected[view], built.rows(view), KEYS[view])]


@settings(
    max_examples=NUMBERS.live_journals,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rng=st.randoms(use_true_random=False), count=st.integers(0, 30))
def test_live_views_equal_the_reference(built: Built, rng: random.Random, count: int) -> None:
    built.forget()
    sent = some_events(rng, built.cast, count)
    lines = [result.line for result in process_batch([canonical(event) for event in sent], NOW, ZONE)
             if isinstance(result, Accepted)]  # fmt: skip
    assert len(lines) == count
    again = process_batch([canonical(event) for event in built.events[:3]], NOW, ZONE)
    lines += rng.choices(lines, k=count // 3) if lines else []
    lines += [result.line for result in again if isinstance(result, Accepted)]
    rng.shuffle(lines)
    half = rng.randrange(len(lines) + 1)
    write_segments(built.home, lines[:half], built.last_seq + 1, [rng.randrange(half + 1) for _ in range(2)])
    for _ in range(rng.randrange(3)):  # the second pass takes the lines away that the first one compacted
        compact(built.home, grace=0)
    write_segments(built.home, lines[half:], built.last_seq + 1 + half, [rng.randrange(len(lines) - half + 1)])
    assert live_differences(built, staging(built.loads, [*built.events, *sent])) == []

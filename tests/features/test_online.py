"""A look-up says what the tables will say after the next build, bit for bit, whatever events came since the last."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from contract.event_examples import Message, canonical, event
from golden import Golden
from soak import NUMBERS, Numbers
from warehouse import history
from warehouse.event_sets import Cast, cast_of, some_events
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.features.changes import Changes
from armazem.features.lookup import Lookup, entity_named
from armazem.features.online import Online
from armazem.features.published import PublishedFeatures
from armazem.intake.ingest import Ingest
from armazem.targets.duckdb.query import run_query
from armazem.targets.duckdb.versions import version_file

from .offline import ENTITIES, Tables

pytestmark = pytest.mark.xdist_group("online")

NEWS, END = datetime(2019, 6, 1, tzinfo=UTC), datetime(2019, 12, 1)
HISTORIES = ("feat_order_facts", "feat_seller_daily", "feat_lane_daily", "feat_marketplace_daily")


@dataclass(frozen=True)
class Stream:
    """A shop of its own, whom its events speak of, and those to send, some of them twice."""

    shop: Shop
    cast: Cast
    before: Sequence[Message]
    since: Sequence[Message]

    def send(self, events: Sequence[Message]) -> None:
        with Ingest(self.shop.home, Settings(home=self.shop.path)) as writer:
            outcome = writer.submit([canonical(event) for event in events], "test").result()
        assert not outcome.rejected

    def published(self) -> Tables:
        return Tables(version_file(self.shop.home, self.shop.current))


def stream_of(golden: Golden, folder: Path, seed: int) -> Stream:
    rng = random.Random(seed)
    tables = history.read(golden.first)
    cast = cast_of(tables, rng, known=80, new=6)
    # Most orders are named by no event: they change with their customer or seller, where that is news after the files.
    later = [NEWS + timedelta(hours=number) for number in range(len(cast.moments))]
    sellers = sorted({row["seller_id"] for row in tables[history.ITEMS]})
    cast = replace(cast, sellers=sellers[:1], moments=[*cast.moments, *later])
    before, since = some_events(rng, cast, 30, "before"), some_events(rng, cast, 120, "since")
    since += [_moved(rng, row["customer_id"]) for row in rng.sample(tables[history.ORDERS], 15)]
    since.append(_update("sellers", seller_id=sellers[0], seller_state="AC"))
    since += rng.choices([*before, *since], k=20)
    rng.shuffle(since)
    return Stream(golden.once(folder / f"home{seed}"), cast, before, since)


def _moved(rng: random.Random, customer_id: str) -> Message:
    """A customer that becomes another person, in another state."""
    return _update(
        "customers", customer_id=customer_id, customer_unique_id=f"{rng.randrange(4):032x}", customer_state="AC"
    )


def _update(table: str, **row: str) -> Message:
    """Newer than what others say of it."""
    event_id = f"moved-{next(iter(row.values()))}"
    return event(f"{table[:-1]}_update", {table: row}, event_id=event_id, timestamp="2019-11-01T12:00:00Z")


def questions(stream: Stream, rng: random.Random, count: int) -> list[tuple[str, str, datetime]]:
    """So many of each type: of everybody, more often of those that events speak of, at times at which facts change.

    And all there are, as of the end.
    """
    changed = run_query(stream.shop.home, "select distinct entity, entity_id from live.feature_changes").rows
    asked = []
    with stream.published() as tables:
        for entity in ENTITIES:
            touched = sorted(entity_id for name, entity_id in changed if name == entity)
            assert touched
            asked += [(entity, entity_id, END) for entity_id in tables.ids(entity)]
            for _ in range(count):
                pool = rng.choice((touched, touched, tables.ids(entity), ["nobody"]))
                at = rng.choice(stream.cast.moments).replace(tzinfo=None) + timedelta(
                    days=rng.choice((0, 1, 1, 2, 30, 31, 90, 91, rng.randrange(-200, 600)))
                )
                asked.append((entity, rng.choice(pool), at))
    return asked


def answers(lookup: Lookup, asked: Sequence[tuple[str, str, datetime]]) -> list[Any]:
    return [lookup.vector(entity_named(entity), entity_id, at) for entity, entity_id, at in asked]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 1 + NUMBERS.online_streams))
def test_a_look_up_before_the_build_is_what_the_tables_say_after_it(
    golden: Golden, tmp_path: Path, numbers: Numbers, report: Callable[..., None], seed: int
) -> None:
    stream = stream_of(golden, tmp_path, seed)
    if seed % 2:
        stream.send(stream.before)
        stream.shop.build()
    stream.send(stream.since)
    asked = questions(stream, random.Random(seed), numbers.lookups)
    with closing(Online(stream.shop.home)) as online:
        lookup = online.current()
        found = answers(lookup, asked)
        without = answers(replace(lookup, changes=Changes(stream.shop.current, 0, {})), asked)
        no_index = PublishedFeatures(stream.shop.home, stream.shop.current, most_rows=0)
        read = answers(replace(lookup, published=no_index), asked)
    assert read == found, "read from the tables they are others than from memory"

    before = stream.shop.current
    stream.shop.build()
    assert stream.shop.current != before
    with stream.published() as tables:
        expected = [tables.vector(*question) for question in asked]
        told = [tables.told(*question) for question in asked]
    for question, vector, features, last in zip(asked, found, expected, told, strict=True):
        assert vector.features == features, question
        assert vector.build_id == before
        assert vector.known == any(features.values())
        # A fact that was told last may have gone to another entity.
        if last is not None and vector.known:
            assert datetime.fromisoformat(vector.created_timestamp) >= last, question
    assert any(vector.features != features for vector, features in zip(without, expected, strict=True))

    with closing(Online(stream.shop.home)) as online:
        again = answers(online.current(), asked)
    for question, vector, features, last in zip(asked, again, expected, told, strict=True):
        assert vector.features == features, question
        assert vector.created_timestamp is None or datetime.fromisoformat(vector.created_timestamp) == last
    report("online", seed=seed, events=len(stream.since), lookups=len(asked), differences=0)


def test_events_in_any_order_give_the_same_tables(golden: Golden, tmp_path: Path) -> None:
    tables = []
    for number in range(2):
        stream = stream_of(golden, tmp_path / str(number), seed=7)
        events = [*stream.before, *stream.since]
        random.Random(number).shuffle(events)
        cut = number * len(events) // 2  # the second one is built in two
        if cut:
            stream.send(events[:cut])
            stream.shop.build()
        stream.send(events[cut:])
        stream.shop.build()
        tables.append({name: _rows(stream.shop, name) for name in HISTORIES})
        assert run_query(stream.shop.home, "from live.feature_changes").rows == ()
    assert tables[0] == tables[1]


def _rows(shop: Shop, name: str) -> list[tuple[object, ...]]:
    """All of a table but when it was told, which differs as the events came at other times."""
    told = "recorded_at" if name == "feat_order_facts" else "created_timestamp"
    return list(run_query(shop.home, f"select * exclude {told} from features.{name} order by all").rows)

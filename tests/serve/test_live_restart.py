"""What the live state saves, and how it begins again: checkpoints, restarts, damage, kills."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from contract.event_examples import (
    identifier,
)
from soak import NUMBERS

from armazem.home import Home
from armazem.journal.compaction import compact
from armazem.live import figures as live_figures
from armazem.live import service as live_module
from armazem.live.service import LiveState
from armazem.live.tables import LiveTables

from .live_journal import Writer, accepted, publish
from .live_shop import placed, reached, same


def test_after_a_checkpoint_it_does_not_pause_as_well(
    shop: Home, open_live: Callable[..., LiveState], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(LiveTables):
        def checkpoint(self) -> None:
            super().checkpoint()
            time.sleep(2 * live_module._LONGEST_PAUSE)

    writer = Writer(shop)
    live = open_live(make_tables=Slow)
    live.rebuild()
    live.add(writer.write(accepted([placed(1)])))
    assert live.apply_waiting() > live_module._PAUSE / 2
    monkeypatch.setattr(live_figures, "_CHECKPOINT_SECONDS", 0.0)
    live.add(writer.write(accepted([placed(2)])))
    assert live.apply_waiting() == 0
    same(live, writer.lines)


def test_from_compacted_segments(shop: Home, open_live: Callable[..., LiveState]) -> None:
    writer = Writer(shop, lines_per_segment=10)
    writer.write(accepted([placed(number) for number in range(25)] + [reached(3, "canceled"), reached(24, "shipped")]))
    compact(shop)
    assert len(list(shop.journal.glob("*/*.parquet"))) == 2
    live = open_live()
    live.rebuild()
    same(live, writer.lines)


def events_read(live: LiveState, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events each reading of the journal gives from now on."""
    found = []
    apply = LiveTables.apply

    def counted(*arguments: Any, **options: Any) -> Any:
        applied = apply(*arguments, **options)
        found.append(sum(applied.counts.values()) if applied else 0)
        return applied

    monkeypatch.setattr(LiveTables, "apply", counted)
    return found


def test_a_restart_reads_only_what_is_new(
    shop: Home, open_live: Callable[..., LiveState], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(shop, lines_per_segment=10)
    publish(shop, "20261123T000000Z", {identifier(50_001): "SP"})
    writer.write(accepted([placed(number) for number in range(50)]))
    live = open_live()
    live.rebuild()
    before = live.snapshot()
    live.close()
    writer.write(accepted([reached(7, "canceled"), placed(60)]))
    again = open_live()
    found = events_read(again, monkeypatch)
    again.rebuild()
    assert found == [2]
    same(again, writer.lines, {identifier(50_001): "SP"})
    assert again.snapshot()["orders_per_minute"] == before["orders_per_minute"] + 1 == 51


@pytest.mark.parametrize("damage", ["garbage", "cut", "other journal", "shorter journal", "no progress"])
def test_what_is_saved_but_of_no_use(shop: Home, open_live: Callable[..., LiveState], damage: str) -> None:
    writer = Writer(shop, lines_per_segment=10)
    writer.write(accepted([placed(number) for number in range(30)]))
    live = open_live()
    live.rebuild()
    live.close()
    (file,) = (shop.root / "live").glob("*.duckdb")
    lines = writer.lines
    if damage == "garbage":
        file.write_bytes(os.urandom(file.stat().st_size))
    elif damage == "cut":
        os.truncate(file, file.stat().st_size // 2)
    elif damage == "no progress":
        with duckdb.connect(str(file)) as connection:
            connection.execute("update saved set progress = '{}x'")
    else:
        for segment in shop.journal.glob("*/*.jsonl"):
            segment.unlink()
        kept = [placed(number) for number in (range(5) if damage == "shorter journal" else range(100, 150))]
        (writer.lines, writer.next_seq) = ([], 1)
        lines = writer.write(accepted(kept))
    again = open_live()
    again.rebuild()
    same(again, lines)


_LIVE = """
import sys, time
from pathlib import Path
from armazem.config import Settings
from armazem.home import Home
from armazem.live import figures as live_figures
from armazem.live.service import LiveState

live_figures._CHECKPOINT_SECONDS, live_figures._CHUNK = 0.0, 40
home = Home(Path(sys.argv[1])).open()
live = LiveState(home, Settings(home=home.root))
print("go", flush=True)
while True:
    live.rebuild()  # as a start does: from the last checkpoint on
    print(live.snapshot()["seq"], flush=True)
"""


@pytest.mark.slow
def test_killed_at_any_moment(shop: Home, open_live: Callable[..., LiveState], report: Callable[..., None]) -> None:
    """What a killed process leaves is whole: the next one goes on from it and counts nothing twice."""
    rng = random.Random(11)
    writer = Writer(shop, lines_per_segment=60)
    number = 0
    seen = []
    for _ in range(NUMBERS.live_kills):
        messages = [placed(number + each) for each in range(rng.randrange(1, 400))]
        messages += [reached(rng.randrange(number + 1), "canceled", event_id=f"c-{number}-{each}") for each in range(9)]
        number += len(messages)
        writer.write(accepted(messages))
        process = subprocess.Popen([sys.executable, "-c", _LIVE, str(shop.root)], stdout=subprocess.PIPE, text=True)
        assert process.stdout and process.stdout.readline() == "go\n"
        time.sleep(rng.uniform(0, 1.5))
        process.kill()
        seen += [int(line) for line in process.communicate()[0].split("\n")[:-1]]
    live = open_live()
    live.rebuild()
    same(live, writer.lines)
    assert seen == sorted(seen)
    report("killed live figures", kills=NUMBERS.live_kills, events=len(writer.lines), failures=0)

"""A journal of an older armazem: ids that were folded come apart again, once, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from armazem.config import Settings
from armazem.disk.lock import compaction_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal import upgrade as upgrade_module
from armazem.journal.compaction import compact
from armazem.journal.dead_letters import DeadLetters
from armazem.journal.journal import utc_now
from armazem.journal.reading import journal_format
from armazem.journal.recovery import recover
from armazem.journal.upgrade import upgrade, upgrade_if_free

from .journal_files import line, rows, segment
from .shop_events import letters, message, order

ZONE = ZoneInfo("America/Sao_Paulo")
IDS = ["SP-1-23", "SP-12-3", "AbC1", "aBc1", "E481F51C-BDC5-4678-B7CC-49136F2D6AF7", "plain"]
NOW_IDS = ["SP-1-23", "SP-12-3", "AbC1", "aBc1", "e481f51cbdc54678b7cc49136f2d6af7", "plain"]


def sent(number: int, order_id: str, **changes: Any) -> dict[str, Any]:
    event = json.loads(json.dumps(order(number, **changes)).replace(f"order{number}", order_id))
    return dict(event)


def folded(event: dict[str, Any]) -> dict[str, Any]:
    """As the older rules had it."""
    text = json.dumps(event["data"])
    for order_id in IDS:
        text = text.replace(f'"{order_id}"', f'"{order_id.replace("-", "").lower()}"')
    return dict(json.loads(text))


def old_line(seq: int, event: dict[str, Any]) -> bytes:
    data = folded(event)
    raw = {} if data == event["data"] and "source" not in event else {"raw": json.dumps(event)}
    return line(seq, event["event_id"], timestamp=event["timestamp"], data=data, **raw)


def events() -> list[dict[str, Any]]:
    return [sent(number, order_id) for number, order_id in enumerate(IDS, 1)]


def without_senders(path: Path) -> None:
    with duckdb.connect() as connection:
        temporary = path.with_name("old")
        connection.execute(f"copy (select * exclude (sender) from '{path}') to '{temporary}' (format parquet)")
    temporary.replace(path)


def old_journal(home: Home) -> None:
    """Segments: compacted; compacted with its lines beside; lines; lines with damage. The same six orders in each."""
    for at in range(4):
        lines = [old_line(at * 10 + n, {**event, "event_id": f"e{at}-{n}"}) for n, event in enumerate(events(), 1)]
        segment(home, at * 10 + 1, b"".join(lines) + (b"garbage\n" + line(at * 10 + 9) if at == 3 else b""))
    compact(home, grace=-1)
    for path in home.journal.glob("date=*/*.parquet"):
        without_senders(path)
        if path.stem.endswith("21"):
            path.unlink()
        if path.stem.endswith("01"):
            path.with_suffix(".jsonl").unlink()


def content(home: Home) -> list[tuple[Any, ...]]:
    return rows(home, "seq, received_at, source, event_id, data.orders.order_id")


def expected(ids: list[str]) -> list[tuple[Any, ...]]:
    return [(at * 10 + n, f"e{at}-{n}", order_id) for at in range(4) for n, order_id in enumerate(ids, 1)]


def short(home: Home) -> list[tuple[Any, ...]]:
    return [(seq, event_id, order_id) for seq, _, _, event_id, order_id in content(home) if seq != 39]


def kept(home: Home) -> None:
    """What the start of a writer brings to the dead letters."""
    letters_ = DeadLetters(home, Settings(home=home.root))
    recover(home, letters_, utc_now())
    letters_.close()


def test_folded_ids_come_apart(home: Home) -> None:
    old_journal(home)
    before = content(home)
    assert short(home) == expected([order_id.replace("-", "").lower() for order_id in IDS])
    kept(home)
    assert upgrade(home, ZONE) > 0
    after = content(home)
    assert short(home) == expected(NOW_IDS)
    assert [row[:4] for row in after] == [row[:4] for row in before]  # numbers, times, sources, ids
    assert journal_format(home) == 2 and upgrade(home, ZONE) == 0
    with Ingest(home, Settings(home=home.root)) as writer:
        assert writer.recovered == 0 and len(letters(home)) == 1  # the damage is known already
        again = [json.dumps({**event, "event_id": f"e0-{n}"}).encode() for n, event in enumerate(events(), 1)]
        assert writer.submit(again, "http").result().duplicates == 6
        other = json.dumps({**events()[0], "event_id": "e1-2"}).encode()
        assert writer.submit([other], "http").result().rejected[0].code == "conflicting_event_id"


def test_killed_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each replacement, and after: readers have every event once, and the next start completes it."""

    class Killed(BaseException):
        pass

    real = os.replace
    for step in range(20):
        home = Home(tmp_path / f"home-{step}").open()
        old_journal(home)
        kept(home)
        left = step // 2

        def replace(source: Any, target: Any, *, after: bool = bool(step % 2)) -> None:
            nonlocal left
            if left == 0 and not after:
                raise Killed
            real(source, target)
            left -= 1
            if left < 0:
                raise Killed

        monkeypatch.setattr(os, "replace", replace)
        try:
            upgrade(home, ZONE)
        except Killed:
            monkeypatch.setattr(os, "replace", real)
            assert [row[:2] for row in short(home)] == [row[:2] for row in expected(IDS)]
            upgrade(home, ZONE)
            assert short(home) == expected(NOW_IDS) and journal_format(home) == 2
            assert list(home.journal.glob("date=*/*.upgrading")) == []
        else:
            assert step > 8  # every replacement was met
            return
        finally:
            monkeypatch.setattr(os, "replace", real)
    pytest.fail("it was killed at every step")


def test_what_the_present_rules_refuse_stays(home: Home) -> None:
    event = sent(1, "5.72613E+12", event_id="a", timestamp="no time")
    content_ = old_line(1, event).replace(b'"timestamp":"no time"', b'"timestamp":"2018-08-29T14:03:11Z"', 1)
    path = segment(home, 1, content_)
    upgrade(home, ZONE)
    assert path.read_bytes() == content_ and journal_format(home) == 2


def test_senders_that_were_unknown_fields(home: Home) -> None:
    """An id names an event together with its sender: from now on that of the old ones too."""
    segment(home, 1, old_line(1, sent(1, "o1", source="app")))
    with Ingest(home, Settings(home=home.root)) as writer:
        batch = [message(1), message(1, source="app")]
        outcome = writer.submit([one.replace(b"order1", b"o1") for one in batch], "http").result()
        assert (outcome.accepted, outcome.duplicates) == (1, 1)
    assert rows(home, "event_id, sender") == [("event-1", "app"), ("event-1", None)]


def test_a_reader_does_not_go_on_over_an_old_journal(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(home, 1, old_line(1, sent(1, "SP-1")))
    monkeypatch.setattr(upgrade_module, "_WAIT", 0.1)
    with compaction_lock(home), pytest.raises(HomeError, match="compact"):
        upgrade_if_free(home, ZONE)
    assert journal_format(home) == 1


def test_a_reader_upgrades_where_nobody_writes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(home, 1, old_line(1, sent(1, "SP-1")))
    with Ingest(home, Settings(home=home.root)):
        (home.journal / "format").unlink()
        upgrade_if_free(home, ZONE)
        assert journal_format(home) == 1
    upgrade_if_free(home, ZONE)
    assert journal_format(home) == 2
    called: list[Callable[..., Any]] = []
    monkeypatch.setattr(upgrade_module, "upgrade", lambda *_: called.append(upgrade))
    upgrade_if_free(home, ZONE)
    assert called == []

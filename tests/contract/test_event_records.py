"""The lines of accepted events are what DuckDB reads them to be: nothing lost, nothing rounded, no line refused."""

from __future__ import annotations

import json
import random
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from armazem.contract import TABLES, ColumnType
from armazem.contract.event_record import event_columns
from armazem.contract.events import Accepted, Refused, journal_batch, journal_lines, process_batch, renumbered
from contract.event_examples import EXAMPLES, NOW, ZONE, canonical
from contract.fuzz_events import mutated

TYPES = {(table.name, column.name): column.type for table in TABLES for column in table.columns}
DECIMALS = {ColumnType.MONEY, ColumnType.NUMBER}


def typed(part: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row of a line as the types of the contract say."""
    return {name: value if value is None else _typed(TYPES[part, name], value) for name, value in row.items()}


def _typed(kind: ColumnType, value: Any) -> Any:
    if kind is ColumnType.TIMESTAMP:
        return datetime.fromisoformat(value)
    return Decimal(str(value)) if kind in DECIMALS else value


def given(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def test_duckdb_reads_every_accepted_line(tmp_path: Path) -> None:
    dice = random.Random(6)
    messages = [canonical(build()) for build in EXAMPLES.values()] + [mutated(dice) for _ in range(5_000)]
    accepted = [result for result in process_batch(messages, NOW, ZONE) if type(result) is Accepted]
    lines = [result.line for result in accepted]
    journal = tmp_path / "0000000000000001.jsonl"
    journal.write_bytes(journal_lines(accepted, 1, "2026-11-23T12:00:00.000000Z", ["http"] * len(accepted)))
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in event_columns().items())
    query = (
        f"select event_id, event_type, epoch_us(timestamp), data, raw from read_json('{journal}', "
        f"format='newline_delimited', columns={{{columns}}}) order by seq"
    )
    rows = duckdb.execute(query).fetchall()
    assert len(rows) == len(lines) > 1_000
    for line, (event_id, event_type, microseconds, data, raw) in zip(lines, rows, strict=True):
        event = json.loads(b"{" + line)
        assert (event_id, event_type, raw) == (event["event_id"], event["event_type"], event.get("raw"))
        since_1970 = datetime.fromisoformat(event["timestamp"]) - datetime.fromisoformat("1970-01-01T00:00:00Z")
        assert microseconds == round(since_1970.total_seconds() * 1_000_000)
        read = {
            part: [given(row) for row in value] if isinstance(value, list) else given(value)
            for part, value in data.items()
            if value is not None
        }
        written = {
            part: [typed(part, row) for row in value] if isinstance(value, list) else typed(part, value)
            for part, value in event["data"].items()
        }
        assert read == written


def test_lines_of_the_journal_are_those_of_the_events() -> None:
    dice = random.Random(7)
    results = process_batch([mutated(dice) for _ in range(500)], NOW, ZONE)
    accepted = [result for result in results if type(result) is Accepted]
    sources = ["http" if number % 3 else 'pubsub:p/"s"' for number in range(len(accepted))]
    prefix = b'{"seq":%d,"received_at":"2026-11-23T12:00:00.123456Z","source":%b,'
    expected = [
        prefix % (seq, json.dumps(source).encode()) + event.line + b"\n"
        for seq, (source, event) in enumerate(zip(sources, accepted, strict=True), 95)
    ]
    lines = journal_lines(accepted, 95, "2026-11-23T12:00:00.123456Z", sources)
    assert lines == b"".join(expected)
    assert renumbered(expected, 95) == lines
    assert renumbered([line.replace(b'{"seq":', b'{"seq":4') for line in expected], 95) == lines
    assert journal_lines([], 95, "2026-11-23T12:00:00.123456Z", []) == renumbered([], 95) == b""


@pytest.mark.parametrize("good", [True, False], ids=["all accepted", "some refused"])
def test_a_batch_for_the_journal_is_what_its_results_are(good: bool) -> None:
    dice = random.Random(8)
    canonical_ones = [canonical(build()) for build in EXAMPLES.values()] * 3
    messages = canonical_ones if good else [mutated(dice) for _ in range(500)]
    sources = [f"source {number % 3}" for number in range(len(messages))]
    time = "2026-11-23T12:00:00.123456Z"
    results = process_batch(messages, NOW, ZONE)
    accepted = [(result, source) for result, source in zip(results, sources, strict=True) if type(result) is Accepted]
    event_ids, lines, refused = journal_batch(messages, sources, 7, time, NOW, ZONE)
    assert event_ids == [event.event_id for event, _ in accepted]
    assert lines == journal_lines([event for event, _ in accepted], 7, time, [source for _, source in accepted])
    assert refused == [(at, result) for at, result in enumerate(results) if type(result) is Refused]
    assert good is not bool(refused)


def test_every_message_of_a_batch_has_a_source() -> None:
    with pytest.raises(ValueError, match="2 messages have 1 sources"):
        journal_batch([b"{}", b"{}"], ["http"], 1, "2026-11-23T12:00:00.123456Z", NOW, ZONE)

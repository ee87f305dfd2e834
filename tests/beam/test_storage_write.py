"""Beam's own STORAGE_WRITE_API as far as it runs here: rows as its transform takes them. The transform is Java's."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

from apache_beam import coders
from apache_beam.io.gcp import bigquery_tools
from apache_beam.typehints.row_type import RowTypeConstraint
from apache_beam.utils.timestamp import Timestamp

from armazem.beam.storage_write import OVERRIDES, SCHEMAS, records
from armazem.targets.bigquery.streaming.rows import batch_of, rows_of

from .messages import SOURCE, ZONE, messages


@pytest.mark.parametrize("table", ["events", "dead_letters"])
def test_rows_pass_through_the_coder_of_beam(table: str) -> None:
    """As they go to Java, with every column as it was: times, amounts, what is null."""
    [piece] = [one for one in rows_of(messages(60), SOURCE, ZONE, max_request=2**30).pieces if one.table == table]
    hints = bigquery_tools.get_beam_typehints_from_tableschema(SCHEMAS[table], OVERRIDES)
    coder = coders.registry.get_coder(RowTypeConstraint.from_fields(hints))
    for record, row in zip(records(piece), batch_of(piece).to_pylist(), strict=True):
        beam_row = bigquery_tools.beam_row_from_dict(record, SCHEMAS[table])
        again = coder.decode(coder.encode(beam_row))
        assert plain(again) == plain(row)


def plain(value: Any) -> Any:
    """Values with one form each, from Beam's rows and from Arrow's; a record without a value is none."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        parts = {name: plain(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, [], {})} or None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat() if value.tzinfo else value.isoformat()
    if isinstance(value, Timestamp):
        return value.to_utc_datetime(has_tz=True).isoformat()
    if isinstance(value, Decimal):
        return Decimal(value).normalize()
    if isinstance(value, str | None):
        return value
    return [plain(part) for part in value] if hasattr(value, "__iter__") else int(value)

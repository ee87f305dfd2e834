"""Files in, rows out, refused messages out; and the refused ones mended and fed back in. The rows are files that a
person can read: `golden/events.jsonl` and `golden/dead_letters.jsonl`.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage
from write_server import WriteServer

from .messages import canonical
from .test_pipeline import run

GOLDEN = Path(__file__).with_name("golden")
# What a person writes after reading why it was refused.
MENDS = {
    "903": ('"gold"', '"voucher"'),
    "904": ('"data"', '"timestamp": "2026-11-22T15:00:00-03:00", "data"'),
}


class Tables:
    """The address of a server, as the pipeline is told of it."""

    def __init__(self, server: WriteServer) -> None:
        self.arguments = ["--dataset=demo-project.raw", f"--write_endpoint={server.address}"]


def of_line(line: str) -> PubsubMessage:
    told = json.loads(line)
    return PubsubMessage(told["data"].encode(), {}, told["id"], datetime.fromisoformat(told["published"]))


@beam.ptransform_fn
def lines_of(pipeline: Any, path: Path) -> Any:
    return pipeline | beam.io.ReadFromText(str(path)) | beam.Map(of_line)


def of_file(name: str) -> list[str]:
    return sorted((GOLDEN / name).read_text(encoding="utf-8").splitlines())


def test_files_in_rows_out_errors_out(tmp_path: Path) -> None:
    with WriteServer() as server:
        run(Tables(server), lines_of(GOLDEN / "messages.jsonl"))
        letters = server.rows("dead_letters")
        assert canonical(server.rows("events")) == of_file("events.jsonl")
        assert canonical(letters) == of_file("dead_letters.jsonl")
        # Back in, mended where somebody knew how: two of three are events now, the third is refused as before.
        again = tmp_path / "again.jsonl"
        with again.open("w", encoding="utf-8") as file:
            for letter in letters:
                data = letter["raw"].replace(*MENDS.get(letter["id"], ("", "")))
                line = {"id": letter["id"], "published": letter["received_at"].isoformat(), "data": data}
                file.write(json.dumps(line) + "\n")
        server.kept.clear()
        run(Tables(server), lines_of(again))
        assert sorted(row["event_id"] for row in server.rows("events")) == ["e3", "e4"]
        assert canonical(server.rows("dead_letters")) == [
            line for line in of_file("dead_letters.jsonl") if '"906"' in line
        ]

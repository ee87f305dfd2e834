"""A process that ingests what comes through a socket, to be killed: `writer.py HOME ADDRESS`."""

from __future__ import annotations

import sys
import threading
from multiprocessing.connection import Connection, Listener
from pathlib import Path

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.home import Home
from armazem.intake.ingest import Ingest, Outcome

PART = 500  # messages of one submission


def serve(connection: Connection, writer: Ingest) -> None:
    """Each message is a list of messages; the answer is what became of them, or None."""
    try:
        while True:
            try:
                messages = connection.recv()
                parts = [messages[start : start + PART] for start in range(0, len(messages), PART)]
                outcomes = [future.result() for future in [writer.submit(part, "http") for part in parts]]
                answer = [sum(counts) for counts in zip(*map(_counts, outcomes), strict=True)]
            except ArmazemError:
                connection.send(None)
            else:
                connection.send(answer)
    except (EOFError, ConnectionError):
        return


def _counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.accepted, outcome.duplicates, len(outcome.rejected)


if __name__ == "__main__":
    home = Home(Path(sys.argv[1])).open()
    # Small segments, so that kills fall on the change from one to the next too.
    settings = Settings(home=home.root, segment_seconds=0.1)
    with Ingest(home, settings) as ingest, Listener(sys.argv[2], "AF_UNIX") as listener:
        print("listening", flush=True)
        while True:
            threading.Thread(target=serve, args=(listener.accept(), ingest), daemon=True).start()

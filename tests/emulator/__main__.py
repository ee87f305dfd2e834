"""`python -m emulator --port-file FILE`: bqemulator with our fixes, on free ports that it writes to FILE as JSON."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

import duckdb
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.server import EmulatorServer
from duckdb_extensions import import_extension
from filelock import FileLock

from . import dialect, fixes, parsing


def main() -> None:
    parser = argparse.ArgumentParser(prog="emulator", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True, help='gets {"rest": …, "grpc": …} once it answers')
    parser.add_argument("--project", default="demo-project", help="of requests that name none")
    parser.add_argument("--with-parent", action="store_true", help="exit when stdin closes")
    arguments = parser.parse_args()
    if arguments.with_parent:
        threading.Thread(target=exit_at_eof, daemon=True).start()
    import_extensions()
    dialect.apply()
    parsing.apply()
    asyncio.run(serve(arguments.port_file, arguments.project))


def exit_at_eof() -> None:
    sys.stdin.buffer.read()  # the parent writes nothing: this ends when it closes the pipe, or dies
    os._exit(0)


def import_extensions() -> None:
    """Put the two signed extensions where DuckDB looks for them; they stay there for the next time."""
    folder = Path.home() / ".duckdb"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "emulator.lock"), duckdb.connect() as connection:
        for name in ("icu", "spatial"):
            import_extension(name, con=connection)


async def serve(port_file: Path, project: str) -> None:
    settings = Settings(
        rest_port=0,
        grpc_port=0,
        persistence_mode=PersistenceMode.EPHEMERAL,
        default_project_id=project,
        enable_format_extensions=False,  # Avro's would be fetched from the internet
        upload_staging_dir=port_file.parent / "uploads",
        log_level=LogLevel.WARNING,
    )
    server = EmulatorServer(settings)
    fixes.apply(server._engine)
    await server.start()
    # One statement at a time, each on a few thousand rows: a second thread costs more than it brings.
    server._engine.execute("set threads = 1")
    gc.freeze()
    gc.set_threshold(100_000)  # syntax trees are many small objects: looking for cycles took a tenth of the time
    ready = port_file.with_suffix(".new")
    ready.write_text(json.dumps({"rest": server.rest_port, "grpc": server.grpc_port}))
    ready.replace(port_file)
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()

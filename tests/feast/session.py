"""Runs in Feast's environment, with the functions of the example: `session.py EXAMPLE EXPORT FOLDER`.

Reads now.parquet and past.parquet of the folder; writes online.parquet, historical.parquet and told.json.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import pandas as pd

GIGABYTES = 3.0


def main(example: str, export: Path, folder: Path) -> None:
    sys.path.insert(0, example)
    import run

    run.limit_memory(GIGABYTES)
    store = run.registered(export)
    run.load_online(store, export)
    run.online(store, pd.read_parquet(folder / "now.parquet")).to_parquet(folder / "online.parquet")
    found = run.historical(store, pd.read_parquet(folder / "past.parquet"))
    found.to_parquet(folder / "historical.parquet", index=False)
    told = {
        "views": sorted(view.name for view in store.list_feature_views()),
        "limit": resource.getrlimit(resource.RLIMIT_AS)[0],
        "refused": refused(int(GIGABYTES * 1e9)),
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


def refused(size: int) -> bool:
    """Whether so much memory cannot be had."""
    try:
        bytearray(size)
    except MemoryError:
        return True
    return False


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

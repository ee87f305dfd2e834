"""Feast over the features of `armazem export feast`: register, load the online store, ask, and compare.

Runs in Feast's own environment; what it compares with it asks the command `armazem`. See README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shlex
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
from feast import FeatureService, FeatureStore

SERVICE = "features"
KEYS = {
    "seller": "seller_id",
    "lane": "lane",
    "marketplace": "marketplace",
    "product": "product_id",
    "customer": "customer_unique_id",
}
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def limit_memory(gigabytes: float) -> None:
    """Let this process and those that it starts have so much address space: what wants more ends with MemoryError.

    Feast's join of files pairs each request with the whole history of its entity before it looks at times: thousands
    of requests against a large history take all the memory that a machine has.
    """
    limit = int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def registered(export: Path) -> FeatureStore:
    """Return the store after `feast apply`."""
    repository = export / "feature_repo"
    # Threads of the linear algebra, which nothing here needs, reserve address space by the processor.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).with_name("feast")), "--chdir", str(repository), "apply"]
    subprocess.run(command, check=True, env=environment)
    return FeatureStore(repo_path=str(repository))


def features_until(export: Path) -> datetime:
    """Return the moment of the newest features."""
    told = json.loads((export / "build.json").read_text(encoding="utf-8"))
    return datetime.fromisoformat(told["features_until"])


def load_online(store: FeatureStore, export: Path) -> None:
    """Put the newest features of all into the online store: all of it anew, as news come late and change the past."""
    store.materialize(BEGINNING, features_until(export))


def online(store: FeatureStore, requests: pd.DataFrame) -> pd.DataFrame:
    """Return the newest features, a row for each request."""
    rows = requests[list(KEYS.values())].to_dict("records")
    return store.get_online_features(features=service(store), entity_rows=rows).to_df()


def historical(store: FeatureStore, requests: pd.DataFrame) -> pd.DataFrame:
    """Return the features as they were at the times `at`, a row for each request, by its column `number`.

    Of requests with the same time and one id in common Feast keeps only one, and it leaves out those before the first
    purchase of all.
    """
    asked = requests.rename(columns={"at": "event_timestamp"})
    return store.get_historical_features(features=service(store), entity_df=asked).to_df().sort_values("number")


def service(store: FeatureStore) -> FeatureService:
    return store.get_feature_service(SERVICE)


def random_requests(export: Path, count: int, seed: int) -> pd.DataFrame:
    """Return entities at different times of the last year, `count` rows."""
    rng, until = random.Random(seed), features_until(export)
    requests: dict[str, list[Any]] = {"number": list(range(count))}
    for entity, key in KEYS.items():
        file = export / "data" / f"{entity}_daily.parquet"
        ids = sorted(set(pq.read_table(file, columns=["entity_id"])["entity_id"].to_pylist()))
        requests[key] = rng.choices(ids, k=count)
    times = [until - timedelta(seconds=seconds) for seconds in rng.sample(range(365 * 86_400), count)]
    return pd.DataFrame(requests).assign(at=pd.to_datetime(times, utc=True))


def ours(command: list[str], requests: pd.DataFrame) -> pd.DataFrame:
    """Return what `armazem features get` says to the same requests."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "requests.parquet", Path(folder) / "features.parquet"
        requests.to_parquet(asked, index=False)
        subprocess.run([*command, "features", "get", "--entities", str(asked), "--out", str(answered)], check=True)
        return pq.read_table(answered).to_pandas()


def differences(expected: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Return where Feast says something else."""
    features = [name for name in expected.columns if name not in (*KEYS.values(), "number", "at")]
    told = []
    for name in features:
        for row, (a, b) in enumerate(zip(expected[name].tolist(), found[name].tolist(), strict=True)):
            if not (a == b or (pd.isna(a) and pd.isna(b))):
                told.append(f"{name}, request {row}: armazem says {a!r}, Feast {b!r}")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("export", type=Path, help="the folder that `armazem export feast` wrote")
    parser.add_argument("--armazem", default="armazem", help="the command, and options such as --home")
    parser.add_argument("--requests", type=int, default=50, help="how many to compare")
    parser.add_argument("--memory", type=float, default=8.0, help="limit in GB of address space")
    arguments = parser.parse_args()
    limit_memory(arguments.memory)
    store = registered(arguments.export)
    load_online(store, arguments.export)
    requests = random_requests(arguments.export, arguments.requests, seed=1)
    command = shlex.split(arguments.armazem)
    now = requests.drop(columns="at")
    different = differences(ours(command, now), online(store, requests))
    different += differences(ours(command, requests), historical(store, requests))
    for line in different[:20]:
        print(line)
    print(f"{len(requests)} requests online and {len(requests)} in the past: {len(different)} values differ")
    return 1 if different else 0


if __name__ == "__main__":
    raise SystemExit(main())

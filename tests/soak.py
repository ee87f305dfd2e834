"""How much the long tests do: small numbers in `make test`, large ones in `make soak` (ARMAZEM_SOAK=1)."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of the tests marked `slow`: kills of a build, builds beside readers, histories loaded day by day.

    `ingest_kills`: of the process that writes the journal; `compactor_kills`: of the one that compacts it;
    `server_kills`: of the HTTP server under load; `live_kills`: of what reads the journal for the live figures.
    `connections`: idle ones beside a client that is served. `examples`: times the examples of a property test.
    `cloud_kills`: of the subscriber that writes to BigQuery; `kafka_kills`: of those that read a Kafka topic of
    `kafka_events`, besides the one kill among 20,000 events of every run; `unattended_kills`: of the server that builds
    by itself; `lake_kills`: of loads and unloads in the lake; `spark_kills`: of jobs of Spark that load there, with the
    Java of each; `spark_orders`: whose tables are compared with those of `load`; `spark_hours`: between the times whose
    zones are. `live_journals`: whose live views are compared with the reference.
    `interrupts`: of each command, by Ctrl-C or SIGTERM. `extract_orders`: in which the three extracts of
    each of `extract_histories` are loaded.
    `event_histories`: files and events in any order, with builds; `unusual_shops`: builds of extreme values;
    `simulated_events`: sent by the simulator and all accounted for. `real_sample`: parity on BigQuery of that too.
    `pythons`: that the wheel is tried on, besides the one that runs the tests. `readers` of a warehouse, which rest for
    so many seconds between their queries. `full_disks`: with so little room left that a build fails.
    `online_streams`: of events, after each of which so many `lookups` of each type of entity are compared with a build.
    `leak_moments`: at which the world is rebuilt as it was known; `leak_builds`: by a build of files as they were.
    `seconds_to_end`: within which a command ends that was told to; more where other tests run beside it.
    """

    kills: int
    ingest_kills: int
    compactor_kills: int
    server_kills: int
    live_kills: int
    connections: int
    builds_beside_readers: int
    histories: int
    extract_histories: int
    subscriber_kills: int
    cloud_kills: int
    kafka_events: int
    kafka_kills: int
    unattended_kills: int
    lake_kills: int
    spark_kills: int
    spark_orders: int
    spark_hours: int
    fuzzed_messages: int
    live_journals: int
    event_histories: int
    unusual_shops: int
    simulated_events: int
    examples: int
    interrupts: int
    extract_orders: int
    real_sample: bool
    pythons: tuple[str, ...]
    readers: int
    rest: float
    full_disks: int
    leak_moments: int
    leak_builds: int
    online_streams: int
    lookups: int
    seconds_to_end: float


SHORT = Numbers(
    kills=1,
    ingest_kills=2,
    compactor_kills=2,
    server_kills=2,
    live_kills=2,
    connections=500,
    builds_beside_readers=1,
    histories=1,
    extract_histories=1,
    subscriber_kills=2,
    cloud_kills=20,
    kafka_events=3_000,
    kafka_kills=2,
    unattended_kills=1,
    lake_kills=1,
    spark_kills=0,
    spark_orders=2_000,
    spark_hours=13,
    fuzzed_messages=20_000,
    live_journals=12,
    event_histories=1,
    unusual_shops=1,
    simulated_events=2_000,
    examples=1,
    interrupts=1,
    extract_orders=1,
    real_sample=False,
    pythons=(),
    readers=1,
    rest=0.1,
    full_disks=2,
    leak_moments=4,
    leak_builds=1,
    online_streams=1,
    lookups=100,
    seconds_to_end=60,
)
LONG = Numbers(
    kills=50,
    ingest_kills=100,
    compactor_kills=100,
    server_kills=100,
    live_kills=100,
    connections=10_000,
    builds_beside_readers=20,
    histories=20,
    extract_histories=3,
    subscriber_kills=20,
    cloud_kills=500,
    kafka_events=200_000,
    kafka_kills=20,
    unattended_kills=20,
    lake_kills=100,
    spark_kills=10,
    spark_orders=20_000,
    spark_hours=1,
    fuzzed_messages=1_000_000,
    live_journals=750,
    event_histories=20,
    unusual_shops=10,
    simulated_events=200_000,
    examples=25,
    interrupts=50,
    extract_orders=6,
    real_sample=True,
    pythons=("3.11", "3.12", "3.13"),
    readers=2,
    rest=0.02,
    full_disks=4,
    leak_moments=100,
    leak_builds=5,
    online_streams=10,
    lookups=1_000,
    seconds_to_end=5,
)

NUMBERS = LONG if os.environ.get("ARMAZEM_SOAK") == "1" else SHORT

# Of what another test proves in small.
only_in_soak = pytest.mark.skipif(NUMBERS is SHORT, reason="make soak")


def fuzz(examples: int) -> int:
    """Examples of a property test that has this many in `make test`."""
    return examples * NUMBERS.examples

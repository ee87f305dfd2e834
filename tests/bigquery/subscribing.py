"""`armazem subscribe … --target bigquery`, and what the tests ask of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

from pubsub_server import PROJECT
from warehouse.shop import Answer, Shop, start

from .twins import Cloud, environment

if TYPE_CHECKING:
    pass


SOURCE = f"pubsub:{PROJECT}/shop"


def process(cloud: Cloud, *options: str, **settings: object) -> subprocess.Popen[str]:
    """`armazem subscribe`, as a process of its own."""
    with environment(cloud.settings.model_copy(update=settings)):
        env = {name: value for name, value in os.environ.items() if name.startswith("ARMAZEM_")}
    return start("--home", cloud.settings.home, "subscribe", SOURCE, "--target", "bigquery", *options, env=env)


def subscribe(cloud: Cloud, *options: object) -> Answer:
    """The same in this process, to its end."""
    return cloud.armazem("subscribe", SOURCE, "--target", "bigquery", *options)


def reads(running: subprocess.Popen[str]) -> None:
    assert running.stderr is not None
    line = running.stderr.readline()
    assert line.startswith(f"reading {SOURCE} into "), line + running.stderr.read()


def letters(answer: Answer) -> Counter[str]:
    return Counter(row["code"] for row in json.loads(answer.out))


def books(warehouse: Shop | Cloud, *options: str) -> dict[str, dict[str, Any]]:
    answer = warehouse.armazem("status", "--ledger", *options, "--format", "json")
    assert answer.code == 0, answer.err
    rows = {row["source"]: row for row in json.loads(answer.out)}
    for row in rows.values():
        assert row["received"] == row["accepted"] + row["duplicates"] + row["dead_letters"], row
    return rows

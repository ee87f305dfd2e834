"""A build can be killed at any moment, and nobody who reads ever notices a build."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from golden import Golden

from armazem.shop.history import generate
from armazem.targets.duckdb.versions import published_builds, version_file

from . import reader
from .shop import Shop, differing, ended, start

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("killed")]


def test_killed_at_any_moment(shop: Shop, golden: Golden, numbers: Numbers, report: Callable[..., None]) -> None:
    rng = random.Random()
    golden.twice(shop.path)
    new, new_tables = shop.current, shop.checksums()
    shop.armazem("rollback")
    old, old_tables = shop.current, shop.checksums()
    assert (old < new, differing(old_tables, new_tables) != []) == (True, True)

    keep = {"ARMAZEM_KEEP_BUILDS": 1000}
    started = time.monotonic()
    assert ended(start("--home", shop.path, "build", env=keep)).code == 0
    duration = time.monotonic() - started
    assert differing(shop.checksums(), new_tables) == []
    assert shop.armazem("rollback", old).code == 0

    kills = survived = found_new = 0
    while kills < numbers.kills:
        options = rng.choice([(), ("--full-refresh",)])
        # Half of them fall into the end, in which the version is finished and published.
        moment = duration * rng.choice([rng.uniform(0, 1), rng.uniform(0.8, 1)])
        process = start("--home", shop.path, "build", *options, env=keep)
        try:
            process.wait(moment)
            survived += 1
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        process.communicate()
        if shop.current == old:
            assert shop.checksums() == old_tables, f"killed after {moment} s"
        else:
            assert differing(shop.checksums(), new_tables) == [], f"killed after {moment} s"
            found_new += 1
        for build_id in published_builds(shop.home)[-3:]:  # also one that was not made current any more
            whole = old_tables if build_id == old else new_tables
            assert differing(shop.checksums(build_id), whole) == []
        assert shop.armazem("builds").code == 0
        assert shop.armazem("rollback", old).code == 0

    assert ended(start("--home", shop.path, "build")).code == 0
    assert differing(shop.checksums(), new_tables) == []
    assert list(shop.home.builds.glob("building*")) == []
    assert {path.name for path in shop.path.iterdir() if path.name.startswith(".")} == set()
    report("killed builds", kills=kills, ended_before_the_kill=survived, found_the_new_version=found_new, failures=0)


def test_readers_never_notice_a_build(
    shop: Shop, golden: Golden, tmp_path: Path, numbers: Numbers, report: Callable[..., None]
) -> None:
    shop.reset()
    golden.once(shop.path)
    truth = {shop.current: content(shop)}
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, reader.__file__, shop.path, stop, str(numbers.rest)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(numbers.readers)
    ]
    try:
        for number in range(numbers.builds_beside_readers):
            generate(tmp_path / f"{number}", orders=20 + number, seed=40 + number)
            generate(tmp_path / f"{number}-meanwhile", orders=5, seed=1040 + number)
            shop.load(tmp_path / f"{number}")
            # Old versions are deleted as soon as possible, under the eyes of who reads them.
            build = start("--home", shop.path, "build", env={"ARMAZEM_KEEP_BUILDS": 2})
            shop.load(tmp_path / f"{number}-meanwhile")
            assert ended(build).code == 0
            truth[shop.current] = content(shop)
    finally:
        stop.touch()
        seen = [json.loads(process.communicate(timeout=300)[0]) for process in readers]

    for one in seen:
        assert one["failures"] == []
        assert one["mixed"] == 0
        assert len(one["contents"]) > 1
        assert {build_id: truth.get(build_id) for build_id in one["contents"]} == {
            build_id: contents[0] for build_id, contents in one["contents"].items()
        }
        assert all(len(contents) == 1 for contents in one["contents"].values())
    report(
        "readers beside builds",
        builds=numbers.builds_beside_readers,
        readers=len(readers),
        queries=sum(one["queries"] for one in seen),
        failures=0,
    )


def content(shop: Shop) -> str:
    """What a reader sees of the current version."""
    with duckdb.connect(str(version_file(shop.home, shop.current)), read_only=True) as connection:
        return json.dumps(connection.execute(reader.CONTENT).fetchone())

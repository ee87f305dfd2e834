"""The answers of the first page are there before somebody asks, of each version."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from golden import Golden
from warehouse.shop import Shop

from armazem.home import Home
from armazem.serve.dashboard.frame import Sources
from armazem.serve.dashboard.warm import Warm
from armazem.targets.duckdb.query import Published
from armazem.targets.duckdb.versions import make_current, version_file
from armazem.targets.rows import Rows


class Listening(Published):
    """Tells what it was asked."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.asked: list[tuple[str | None, str]] = []

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        rows = super().query(sql, parameters)
        self.asked.append((self.build_id(), sql))
        return rows


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_each_version_is_asked_what_the_first_page_asks(golden: Golden, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "home")
    with contextlib.closing(Listening(shop.home)) as published:
        sources = Sources(published, cast(Any, None), lambda: None, ZoneInfo("America/Sao_Paulo"))
        with Warm(sources) as warm:
            time.sleep(0.1)
            assert not published.asked
            golden.once(shop.path)
            first = shop.current
            until(lambda: sum(build == first for build, _ in published.asked) == 10)
            assert any("marts.dim_locations" in sql for _, sql in published.asked)
            second = "20991231T000000000000Z"
            shutil.copy(version_file(shop.home, first), version_file(shop.home, second))
            make_current(shop.home, second)
            until(lambda: sum(build == second for build, _ in published.asked) == 10)
            make_current(shop.home, first)
            until(lambda: sum(build == first for build, _ in published.asked) == 20)
        assert not warm._thread.is_alive()

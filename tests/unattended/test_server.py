"""`armazem serve --inbox … --build-every …`: files come, figures follow; what fails is held back, the rest goes on."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from golden import Golden
from serve.running import LINES, Running
from small_disk import fill, small_disk
from stream.shop_events import messages
from warehouse.shop import Shop, ended, start
from warehouse.test_publishing import payments_in_cents

from armazem.landing import read_ledger
from armazem.shop.history import generate
from armazem.targets.duckdb.versions import read_records

pytestmark = pytest.mark.xdist_group("unattended")
PATIENCE = 180


def until(condition: Callable[[], object], what: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.1)


class Unattended:
    """A server that builds by itself, and its inbox."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.shop = Shop(home or folder / "home")
        self.inbox = folder / "inbox"
        self.inbox.mkdir(parents=True)

    def start(self, *options: object, **settings: object) -> Running:
        given = {"inbox_settle_seconds": 0.5, **settings}
        return Running(self.shop.path, "--inbox", self.inbox, "--build-every", "1s", *options, **given)

    def drop(self, name: str, folder: Path) -> None:
        """As a careful sender does: written aside, and renamed."""
        shutil.copytree(folder, self.inbox / f".{name}")
        (self.inbox / f".{name}").rename(self.inbox / name)

    @property
    def loads(self) -> list[str]:
        return sorted({row.load_id for row in read_ledger(self.shop.home)})

    @property
    def published(self) -> int:
        return sum(record.status == "published" for record in read_records(self.shop.home))


def problems(server: Running) -> list[str]:
    """What is told without names and data, to whom has no token."""
    answer = server.client.get("/readyz")
    assert answer.status_code == 200  # events do not wait for builds
    found: list[str] = answer.json()["build"]
    return found


@pytest.fixture
def unattended(tmp_path: Path) -> Unattended:
    return Unattended(tmp_path)


def test_files_come_and_figures_follow(unattended: Unattended, golden: Golden, tmp_path: Path) -> None:
    shop = unattended.shop
    # A sender that writes where it is read: the first file grows, the others are not there yet.
    day = unattended.inbox / "day1"
    day.mkdir()
    files = sorted(golden.first.iterdir())
    half = files[0].read_bytes()
    with unattended.start() as server:
        for part in range(8):
            (day / files[0].name).write_bytes(half[: len(half) * (part + 1) // 8])
            time.sleep(0.2)
        for file in files[1:]:
            shutil.copy(file, day)
        until(lambda: unattended.published, lambda: problems(server))
        assert shop.checksums() == golden.once(tmp_path / "once").checksums()
        assert unattended.loads == unattended.loads[:1]
        assert sum(row.rows_rejected for row in read_ledger(shop.home)) == 0

        # Events are built without a word from anybody.
        answer = server.client.post("/v1/events", content=b"\n".join(messages(0, 20)), headers=LINES)
        assert answer.status_code == 200
        until(
            lambda: (
                len([row for row in shop.rows("marts.fact_orders") if str(row["order_id"]).startswith("order")]) == 20
            )
        )

        # The same file again is no new load, and no build.
        builds = len(read_records(shop.home))
        os.utime(day / files[0].name)
        handled = json.loads((shop.path / "inbox.json").read_text())["handled"]
        until(lambda: json.loads((shop.path / "inbox.json").read_text())["handled"] != handled)
        time.sleep(2)
        assert len(unattended.loads) == 1
        assert len(read_records(shop.home)) == builds

        # Who goes back has a reason: nothing is published again until somebody says so.
        assert shop.armazem("rollback").code == 0
        restored = shop.current
        server.client.post("/v1/events", content=b"\n".join(messages(20, 5)), headers=LINES)
        until(lambda: "no builds since a rollback" in problems(server), lambda: problems(server))
        assert server.metric("armazem_build_paused") == 1
        assert shop.current == restored
        assert shop.armazem("build").code == 0
        until(lambda: problems(server) == [], lambda: problems(server))

    # After a restart it knows what it has taken.
    with unattended.start() as server:
        time.sleep(3)
        assert len(unattended.loads) == 1
        assert server.metric("armazem_inbox_loads_total") == 0


def test_what_fails_is_held_back_and_the_rest_goes_on(unattended: Unattended, golden: Golden, tmp_path: Path) -> None:
    shop = golden.once(unattended.shop.path)
    generate(tmp_path / "other", orders=60, seed=7)
    payments_in_cents(tmp_path / "poisoned", tmp_path / "other")
    unattended.drop("a-poisoned", tmp_path / "poisoned")
    unattended.drop("b-good", golden.second)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "orders.csv").write_text("nothing,of,ours\n1,2,3\n")
    unattended.drop("c-unusable", tmp_path / "bad")
    twice = golden.twice(tmp_path / "twice").checksums()
    with unattended.start() as server:
        until(lambda: shop.checksums() == twice, lambda: problems(server))
        until(lambda: server.metric("armazem_loads_held") == 1, lambda: problems(server))
        [(load, why)] = json.loads((shop.path / "inbox.json").read_text())["held"].items()
        assert "audit_fact_sales_paid_what_it_cost" in why
        assert f"load {load} is held back: {why}" in server.log.read_text()
        until(lambda: server.metric("armazem_inbox_refused") == 1)
        assert problems(server) == [
            "1 held back after a failed audit: loads",
            "1 not loaded: files of the inbox",
        ]
        count = len(read_records(shop.home))
        time.sleep(3)
        assert len(read_records(shop.home)) == count  # what is held is not tried again and again

        # Withdrawn, it is no problem any more; a file that is mended is loaded.
        assert shop.armazem("unload", load).code == 0
        (unattended.inbox / "c-unusable" / "orders.csv").unlink()
        until(lambda: problems(server) == [], lambda: problems(server))
        assert shop.checksums() == twice


def test_a_stop_in_the_middle_of_a_build(unattended: Unattended, golden: Golden, tmp_path: Path) -> None:
    unattended.drop("day1", golden.first)
    server = unattended.start()
    until(lambda: server.metric("armazem_build_running"))
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < 60
    assert unattended.published == 0
    with unattended.start():
        until(lambda: unattended.published)
    assert unattended.shop.checksums() == golden.once(tmp_path / "once").checksums()


def test_a_full_disk_in_a_build(golden: Golden, tmp_path: Path) -> None:
    """Readers keep what they have, somebody is told, and it goes on when there is room again."""
    with small_disk(tmp_path / "disk", "256m") as disk:
        unattended = Unattended(tmp_path, disk / "home")
        shop = golden.once(unattended.shop.path)
        current = shop.current
        ballast = fill(disk, leave=8 * 2**20)
        with unattended.start() as server:
            unattended.drop("day2", golden.second)
            assert server.post(messages(0, 1)[0], LINES).status_code == 200
            both = ["the last build was not published", "1 not loaded yet: files of the inbox"]
            until(lambda: problems(server) == both, lambda: problems(server))
            assert shop.current == current
            ballast.unlink()
            until(lambda: shop.current != current, lambda: problems(server))
            until(lambda: problems(server) == [], lambda: problems(server))
            assert {row["order_id"] for row in shop.rows("marts.fact_orders")} >= {"order0"}
            assert {row["load_id"] for row in shop.rows("meta.loads")} == set(unattended.loads)


def test_a_second_server_on_the_same_home(unattended: Unattended, golden: Golden) -> None:
    golden.once(unattended.shop.path)
    with unattended.start():
        options = ("--inbox", unattended.inbox, "--build-every", "1s", "--port", "0")
        second = ended(start("--home", unattended.shop.path, "serve", *options))
        assert second.code == 1
        assert "is written by process" in second.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--inbox", "nowhere", "--build-every", "5m"], "there is no folder"),
        (["--build-every", "soon"], "'soon' is no duration"),
        (["--build-at", "25:00"], "'25:00' is no time of day"),
        (["--build-every", "5m", "--build-at", "23:00"], "exclude each other"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: list[str], words: str) -> None:
    answer = Shop(tmp_path / "home").armazem("serve", "--port", "0", *options)
    assert answer.code in (1, 2)
    assert words in answer.err


def test_nothing_is_left_running(unattended: Unattended, golden: Golden) -> None:
    """The process that waits for the next build ends with its server, however that ends."""
    golden.once(unattended.shop.path)

    def children(server: Running) -> list[int]:
        lists = Path(f"/proc/{server.process.pid}/task").glob("*/children")
        return [int(child) for found in lists for child in found.read_text().split()]

    for end in (Running.stop, Running.kill):
        server = unattended.start()
        until(lambda server=server: children(server))
        waiting = children(server)
        end(server)
        server.client.close()
        until(lambda waiting=waiting: not any(is_alive(child) for child in waiting))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

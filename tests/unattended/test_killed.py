"""A server that builds by itself can be killed at any moment: nothing is lost, nothing counts twice."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from serve.running import LINES
from soak import only_in_soak
from stream.shop_events import messages
from warehouse.test_publishing import from_the_future

from armazem.build.run import BuildRequest
from armazem.landing import read_ledger
from armazem.shop.history import generate

from .test_server import Unattended, until

if TYPE_CHECKING:
    from conftest import Numbers

# test_server.py stops one in the middle of a build, and starts it again.
pytestmark = [only_in_soak, pytest.mark.slow, pytest.mark.xdist_group("unattended killed")]
_AT_ONCE = 20


class Sender(threading.Thread):
    """Sends orders, each batch until it is acknowledged, as the contract asks of a sender."""

    def __init__(self, where: Callable[[], str]) -> None:
        super().__init__()
        self.sent = 0
        self.ended = threading.Event()
        self._where = where

    def run(self) -> None:
        while not self.ended.wait(0.05):
            body = b"\n".join(messages(self.sent, _AT_ONCE))
            while True:
                try:
                    answer = httpx.post(f"{self._where()}/v1/events", content=body, headers=LINES, timeout=10)
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == 200:
                    break
            self.sent += _AT_ONCE


def test_killed_at_random(tmp_path: Path, numbers: Numbers, report: Callable[..., None]) -> None:
    rng = random.Random()
    unattended, shop = (given := Unattended(tmp_path)), given.shop
    server = unattended.start()
    address = [server.url]
    sender = Sender(lambda: address[0])
    sender.start()
    extracts = []
    try:
        for number in range(numbers.unattended_kills):
            extract = tmp_path / f"extract{number}"
            if number == numbers.unattended_kills // 2:
                from_the_future(extract, extract)
            else:
                generate(extract, orders=20, seed=100 + number)
            extracts.append(f"day{number}")
            unattended.drop(extracts[-1], extract)
            time.sleep(rng.uniform(0.5, 12))
            server.kill()
            server.client.close()
            server = unattended.start(ready=False)
            address[0] = server.url
    finally:
        sender.ended.set()
        sender.join()
    with server:
        state = tmp_path / "home" / "inbox.json"
        known = lambda: json.loads(state.read_text())  # noqa: E731
        until(lambda: len({path.split("/")[0] for path in known()["handled"]}) == len(extracts))
        until(lambda: len(known()["held"]) == 1)
        [held] = known()["held"]
        loads = {row.load_id for row in read_ledger(shop.home)} - {held}
        until(lambda: {row["load_id"] for row in shop.rows("meta.loads")} == loads)
        until(lambda: len(shop.rows("staging.stg_events")) == sender.sent)
    # Each file is in it once, whatever was loaded again.
    seen = [(row.table, row.sha256) for row in read_ledger(shop.home) if row.status == "loaded"]
    assert len(seen) == len(set(seen))
    orders = [str(row["order_id"]) for row in shop.rows("marts.fact_orders")]
    assert len(orders) == len(set(orders))
    assert {order for order in orders if order.startswith("order")} == {
        f"order{number}" for number in range(sender.sent)
    }
    assert len(orders) == sender.sent + 20 * (len(extracts) - 1)
    by_itself = shop.checksums()
    copy = Unattended(tmp_path / "truth").shop
    for part in ("landing", "journal"):
        shutil.copytree(shop.path / part, copy.path / part)
    assert copy.armazem("unload", held).code == 0
    copy.build(BuildRequest(full_refresh=True))
    assert copy.checksums() == by_itself
    report(
        "killed servers that build by themselves",
        kills=numbers.unattended_kills, events=sender.sent, loads=len(unattended.loads), builds=unattended.published,
        lost=0, twice=0,
    )  # fmt: skip

"""`armazem lake`, `load`, `unload` and `status` on a lake, as a user gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from landing.data import write
from warehouse.shop import Answer, armazem

from armazem.config import Settings
from armazem.lake.tables import LOAD_ID
from armazem.targets.duckdb import landed

from .worlds import dirty, in_home, landed_id, opened, raw


@pytest.fixture
def in_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMAZEM_LANDING", "lake")


def lake(settings: Settings, *arguments: object) -> Answer:
    return armazem("lake", *arguments, home=settings.home)


def told(answer: Answer) -> str:
    """Without what is another one each time."""
    text = re.sub(r"\d{8}T\d{12}Z", "LOAD", answer.err)
    return re.sub(r"\d+\.\d s", "N s", text)


def test_register_says_what_it_adds_and_a_second_time_nothing(settings: Settings, tmp_path: Path) -> None:
    first = landed_id(in_home(settings), write(tmp_path / "in"))
    answer = lake(settings, "register")
    assert answer.code == 0
    lines = told(answer).splitlines()
    assert lines[0] == "adding 1/9 LOAD orders" and lines[-2] == "adding 9/9 LOAD product_category_name_translation"
    assert lines[-1] == "added 1 load to the lake: 11 rows in 9 files, N s"
    assert told(lake(settings, "register")) == "nothing to do: 1 load in the lake already\n"
    armazem("unload", first, home=settings.home)
    assert told(lake(settings, "register")) == "withdrew LOAD, as in the home folder\n"
    second = landed_id(in_home(settings), dirty(tmp_path / "more"))
    report = json.loads(lake(settings, "register", "--load", second, "--format", "json").out)
    assert {one["load_id"] for one in report["added"]} == {second}
    assert {one["table"]: one["rows"] for one in report["added"]}["orders"] == 2
    assert (report["loads"], report["withdrawn"], report["there"], report["back"]) == (1, [], [], [])
    unknown = lake(settings, "register", "--load", "nothing")
    assert (unknown.code, "there is no load nothing in" in unknown.err) == (1, True)


def test_history_tells_loads_withdrawals_and_others(settings: Settings, tmp_path: Path, in_lake: None) -> None:
    assert armazem("load", write(tmp_path / "in"), home=settings.home).code == 0
    [load_id] = {row.load_id for row in landed.loads(settings)}
    opened(settings).table("orders").append(pa.table({"order_id": ["x"], LOAD_ID: ["mine"]}))
    unload = armazem("unload", load_id, home=settings.home)
    assert unload.err == "withdrawn; `armazem build` now builds without it\n"
    rows = json.loads(lake(settings, "history", "orders", "--format", "json").out)
    shown = [
        (row["load_id"], row["operation"], row["rows_added"], row["rows_removed"], row["by"], row["load_is"])
        for row in rows
    ]
    assert shown == [
        (load_id, "load", 2, 0, "armazem", "withdrawn"),
        (None, "append", 1, 0, "another program", None),
        (load_id, "unload", 0, 2, "armazem", "withdrawn"),
    ]
    every = lake(settings, "history", "--format", "csv").out.splitlines()
    assert len(every) == 1 + 9 * 2 + 1 + 2  # the tables, the foreign snapshot, the ledger
    assert "orders" in lake(settings, "history").out
    assert lake(settings, "history", "nothing").code == 2


def test_before_there_is_a_lake_the_commands_say_so(settings: Settings, tmp_path: Path) -> None:
    landed_id(in_home(settings), write(tmp_path / "in"))
    for command in ("history", "maintain"):
        answer = lake(settings, command)
        assert (answer.code, "there is no lake yet" in answer.err, "lake register" in answer.err) == (1, True, True)
    assert not settings.home_folder.lake.exists()


def test_status_is_that_of_the_lake(settings: Settings, tmp_path: Path, in_lake: None) -> None:
    def values() -> dict[str, object]:
        return json.loads(armazem("status", "--format", "json", home=settings.home).out)[0]

    armazem("load", write(tmp_path / "in"), home=settings.home)
    assert (values()["loads"], values()["rows_accepted"], values()["loads_not_built"]) == (1, 11, 1)
    assert landed.loads(in_home(settings)) == []
    (settings.home_folder.lake / "catalog.db").unlink()
    answer = armazem("status", home=settings.home)
    assert (answer.code, "catalog.db is gone" in answer.err) == (1, True)


def test_a_second_load_waits_for_nobody_it_does_not_share_a_home_with(settings: Settings, tmp_path: Path) -> None:
    """Two homes on one catalog: what one of them was doing when it was killed is not the other's to clear up."""
    landed_id(settings, write(tmp_path / "1"))
    other = settings.model_copy(
        update={
            "home": tmp_path / "other",
            "lake_catalog": f"sqlite:///{settings.home_folder.lake / 'catalog.db'}",
            "lake_warehouse": str(settings.home_folder.lake / "warehouse"),
        }
    )
    young = "20990101T000000000000Z"
    opened(settings).table("orders").append(pa.table({"order_id": ["x"], LOAD_ID: [young]}))
    landed_id(other, dirty(tmp_path / "2"))
    assert young in opened(settings).table("orders").scan().to_arrow().column(LOAD_ID).to_pylist()
    assert raw(other) == raw(settings)

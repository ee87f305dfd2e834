"""The command as its user meets it: help, answers, settings, wrong use, and the main job from end to end."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import get_args

import click
import pytest
from warehouse.shop import Answer, Shop, armazem, ended, start

from armazem.cli.group import COMMANDS, all_commands
from armazem.config import Settings
from armazem.kpis.catalogue import KPIS
from armazem.targets.registry import _TARGETS

pytestmark = pytest.mark.xdist_group("command")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder in which a user ran `armazem up`."""
    folder = tmp_path_factory.mktemp("user")
    done = ended(start("up", "--orders", 300, "--until", "2018-10-17", "--no-serve", cwd=folder))
    assert done.code == 0, done
    for kpi in KPIS:
        assert f"{kpi.title}: kpis.{kpi.name}" in done.out
    return folder


@pytest.fixture
def shop(place: Path) -> Shop:
    return Shop(place / "armazem-data")


def test_up_twice_changes_nothing(place: Path, shop: Shop) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in shop.home.builds.glob("2*"))
    again = ended(start("up", "--orders", 300, "--no-serve", cwd=place))
    assert again.code == 0
    assert "it stays current" in again.err
    assert sorted((path, path.stat().st_mtime_ns) for path in shop.home.builds.glob("2*")) == before
    assert [path.name for path in place.iterdir()] == ["armazem-data"]
    assert json.loads(shop.armazem("status", "--format", "json").out)[0]["orders"] == 300


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_shows_examples(name: str) -> None:
    helped = armazem(name, "--help")
    assert helped.code == 0
    assert "Example" in helped.out or name in ("builds", "status"), helped.out
    assert all(option.help for option in all_commands()[name].params if isinstance(option, click.Option))
    assert name in armazem("--help").out


@pytest.mark.parametrize(
    "query",
    [
        "insert into marts.dim_dates select * from marts.dim_dates",
        "update marts.fact_orders set revenue = 0",
        "delete from marts.fact_orders",
        "drop table marts.fact_orders",
        "create table mine (a integer)",
        "copy (select 1) to '{here}/copied.csv'",
        "export database '{here}/exported'",
        "attach '{here}/other.duckdb' as other",
        "from '{here}/secret.csv'",
        "from read_csv('{here}/secret.csv')",
        "from read_text('{here}/secret.csv')",
        "from glob('{here}/*')",
        "set enable_external_access = true",
    ],
)
def test_a_query_can_neither_write_nor_look_around(shop: Shop, tmp_path: Path, query: str) -> None:
    (tmp_path / "secret.csv").write_text("word\nsesame\n")
    before = shop.checksums(all_tables=True)
    answer = shop.armazem("sql", query.format(here=tmp_path))
    assert answer.code == 1
    assert "sesame" not in answer.out + answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    assert shop.checksums(all_tables=True) == before


@pytest.mark.parametrize("query", ["", "  -- only a remark", "selec 1", "from marts.fact_ordes", "select nope"])
def test_a_wrong_query_says_what_to_do(shop: Shop, query: str) -> None:
    answer = shop.armazem("sql", query)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: ")
    assert "show tables" in answer.err


VALUES = """select 12345678901234567.89::decimal(19,2) as money, 1.10::decimal(5,2) as small, date '2018-02-03' as day,
timestamp '2018-02-03 04:05:06' as moment, null as nothing, 'a "b", c' || chr(10) || 'd' as words, true as yes,
'nan'::double as odd, 170141183460469231731687303715884105727::hugeint as huge, [1.50::decimal(3,2)] as list"""


def test_formats(shop: Shop) -> None:
    as_json = shop.armazem("sql", VALUES, "--format", "json").out
    assert "12345678901234567.89" in as_json
    [row] = json.loads(as_json, parse_float=Decimal)
    assert row == {
        "money": Decimal("12345678901234567.89"), "small": Decimal("1.10"), "day": "2018-02-03",
        "moment": "2018-02-03T04:05:06", "nothing": None, "words": 'a "b", c\nd', "yes": True, "odd": None,
        "huge": 2**127 - 1, "list": [Decimal("1.50")],
    }  # fmt: skip
    header, values = csv.reader(io.StringIO(shop.armazem("sql", VALUES, "--format", "csv").out))
    assert dict(zip(header, values, strict=True)) | {"odd": "", "list": ""} == {
        "money": "12345678901234567.89", "small": "1.10", "day": "2018-02-03", "moment": "2018-02-03T04:05:06",
        "nothing": "", "words": 'a "b", c\nd', "yes": "true", "odd": "", "huge": str(2**127 - 1), "list": "",
    }  # fmt: skip
    table = shop.armazem("sql", VALUES).out
    assert "12345678901234567.89" in table
    assert shop.armazem("sql", "select 1 as a where false", "--format", "json").out == "[]\n"


def test_kpis_with_a_condition(shop: Shop) -> None:
    query = ("kpi", "agg_sales_trend", "--where", "\"grain\" = 'month' and orders > 0", "--format", "json")
    rows = json.loads(shop.armazem(*query).out, parse_float=Decimal)
    assert {row["grain"] for row in rows} == {"month"}
    assert (
        sum(row["orders"] for row in rows)
        == json.loads(
            shop.armazem("sql", "select count(*) n from marts.fact_orders where is_valid_sale", "--format", "json").out
        )[0]["n"]
    )
    assert [date.fromisoformat(row["period_start"]).day for row in rows] == [1] * len(rows)
    assert len(json.loads(shop.armazem("kpi", "sales_trend", "--limit", "2", "--format", "json").out)) == 2
    unknown = shop.armazem("kpi", "profit")
    assert unknown.code == 2
    assert all(kpi.name in unknown.err for kpi in KPIS)
    assert shop.armazem("kpi", "sales_trend", "--where", "nope = 1").code == 1


def test_kpis_with_filters(shop: Shop) -> None:
    def rows(*arguments: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(shop.armazem("kpi", *arguments, "--format", "json").out)
        return found

    trend = rows("sales_trend", "--grain", "month")
    assert {row["grain"] for row in trend} == {"month"}
    by_revenue = sorted(trend, key=lambda row: row["revenue"], reverse=True)
    assert (
        rows("sales_trend", "--grain", "month", "--order=-revenue", "--limit", "3", "--offset", "1") == by_revenue[1:4]
    )
    # A remark at the end of the condition hides no filter.
    assert rows("sales_trend", "--where", "orders > 0 -- all", "--grain", "week", "--to", "2017-06-30") == [
        row for row in rows("sales_trend", "--grain", "week") if row["orders"] and row["period_start"] <= "2017-06-30"
    ]
    sellers = rows("sales_by_seller", "--state", "sp", "--city", "São Paulo")
    assert {row["seller_city"] for row in sellers} == {"sao paulo"}
    assert rows("sales_by_seller", "--city", "' or 1=1 --") == []
    refused = shop.armazem("kpi", "sales_trend", "--grain", "year")
    assert refused.code == 2 and "day, week, month" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("sell",), ("load",), ("build", "--start", "yesterday"), ("build", "--threads", "0"), ("sql",),
        ("sql", "select 1", "--format", "xml"), ("up", "--data", "x", "--orders", "1"), ("up", "--orders", "0"),
        ("generate",), ("kpi", "sales_trend", "--limit", "0"), ("kpi", "sales_trend", "--state", "SP"), ("--nope",),
    ],
)  # fmt: skip
def test_wrong_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = armazem(*arguments, home=tmp_path / "home")
    assert (answer.code, answer.out) == (2, "")
    assert "Usage: " in answer.err
    assert not (tmp_path / "home").exists()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    # Asking changes nothing.
    assert {path.name for path in tmp_path.iterdir()} <= {"armazem.toml"}


def home_asked(answer: Answer) -> str:
    return answer.err.splitlines()[0].removeprefix("error: there is no home folder at ")


@pytest.mark.parametrize("command", [("status",), ("builds",), ("sql", "select 1"), ("rollback",), ("unload", "x")])
def test_before_anything_exists(folder: Path, command: tuple[str, ...]) -> None:
    answer = armazem(*command)
    assert (answer.code, home_asked(answer)) == (1, f"{folder}/armazem-data")
    assert "load data first" in answer.err


def test_flag_over_environment_over_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "armazem.toml").write_text('home = "of-file"\n')
    assert home_asked(armazem("status")) == f"{folder}/of-file"
    monkeypatch.setenv("ARMAZEM_HOME", "of-environment")
    assert home_asked(armazem("status")) == f"{folder}/of-environment"
    assert home_asked(armazem("status", home=Path("of-flag"))) == f"{folder}/of-flag"
    monkeypatch.setenv("ARMAZEM_HOME", "")  # set to nothing is not set
    assert home_asked(armazem("status")) == f"{folder}/of-file"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('colour = "red"', "colour"),
        ("keep_builds = 1", "keep_builds"),
        ("threads = 'x'", "threads"),
        ("home =", "toml"),
    ],
)
def test_wrong_settings(folder: Path, text: str, word: str) -> None:
    (folder / "armazem.toml").write_text(text)
    answer = armazem("status")
    assert (answer.code, word in answer.err, "armazem.toml" in answer.err) == (1, True, True)


def test_wrong_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMAZEM_THREADS", "many")
    answer = armazem("status")
    assert (answer.code, "threads" in answer.err) == (1, True)


def test_what_only_another_target_does_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = armazem("build", "--dry-run", home=tmp_path / "home")
    assert (answer.code, "--target bigquery" in answer.err, (tmp_path / "home").exists()) == (2, True, False)
    monkeypatch.setenv("ARMAZEM_TARGET", "bigquery")
    for arguments in (("export", "parquet", "out"), ("sql", "select 1", "--timeout", "1"), ("dbt", "list")):
        answer = armazem(*arguments, home=tmp_path / "home")
        assert (answer.code, "the target is bigquery" in answer.err) == (2, True), arguments


def test_targets_are_the_same_everywhere() -> None:
    [option] = [option for option in all_commands()["build"].params if option.name == "target"]
    assert list(option.type.choices) == list(get_args(Settings.model_fields["target"].annotation)) == list(_TARGETS)

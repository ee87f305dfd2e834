"""Which folder is one of own models, and what of them dbt or a check of ours refuses before anything is built."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from armazem.build.own_models import own_models_of
from armazem.build.project import ParsedProject, Project, project_folder, project_of
from armazem.config import ConfigError, Settings
from armazem.errors import BuildError
from armazem.targets.base import DbtProfile

SQL = "select count(*) as orders from {{ ref('fact_orders') }}\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def names(settings: Settings) -> list[str]:
    own = own_models_of(settings)
    return [name for name, _ in own.files] if own else []


@pytest.mark.parametrize("home", ["armazem-data", ".armazem", "deep/down/home"])
def test_the_folder_beside_the_home_folder(tmp_path: Path, home: str) -> None:
    folder = (tmp_path / home).parent / "models"
    write(folder, {"b.sql": SQL, "a/c.yml": "", "a/d.sql": "select 1", "x.py": "", "README.md": "", ".e.sql": SQL})
    write(folder, {".git/f.sql": SQL})
    assert names(Settings(home=tmp_path / home)) == ["b.sql", "a/c.yml", "a/d.sql"]
    assert names(Settings(home=tmp_path / home, models="none")) == []


@pytest.mark.parametrize(
    "files",
    [
        {"models/user.py": "class User: ..."},
        {"models/schema.sql": "create table users (id int)"},
        {"models/orders.sql": SQL, "dbt_project.yml": "name: another"},
        {"models/orders.yml": "models: []"},
        {},
    ],
    ids=["Django", "plain SQL", "another dbt project", "no SQL", "nothing"],
)
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, files)
    assert own_models_of(Settings(home=tmp_path / "home")) is None


def test_a_folder_that_is_set_is_taken_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"shop/one.sql": "select 1 as one", "dbt_project.yml": "name: another"})
    assert names(Settings(home=tmp_path / "home", models=str(tmp_path / "shop"))) == ["one.sql"]
    with pytest.raises(ConfigError, match=r"nowhere is not a folder"):
        own_models_of(Settings(home=tmp_path / "home", models=str(tmp_path / "nowhere")))
    with pytest.raises(ConfigError, match=r"one.sql is not a folder"):
        own_models_of(Settings(home=tmp_path / "home", models=str(tmp_path / "shop" / "one.sql")))


def test_every_change_of_them_is_another_project(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    without = project_of(settings, tmp_path)
    assert without == Project(project_folder())
    seen = [without.fingerprint()]
    for name, text in (("a.sql", SQL), ("a.sql", SQL + "\n"), ("a.yml", ""), ("b.sql", SQL)):
        write(tmp_path / "models", {name: text})
        seen.append(project_of(settings, tmp_path).fingerprint())
    (tmp_path / "models" / "b.sql").rename(tmp_path / "models" / "c.sql")
    seen.append(project_of(settings, tmp_path).fingerprint())
    assert len(set(seen)) == len(seen)


def test_what_dbt_is_given_follows_the_folder(tmp_path: Path) -> None:
    """Files that are gone are gone; links to a package that was somewhere else are put right."""
    write(tmp_path / "models", {"a.sql": SQL, "sub/b.sql": SQL})
    settings = Settings(home=tmp_path / "home")
    project = project_of(settings, tmp_path / "state")
    project.lay_out()
    assert {path.name for path in project.folder.glob("own/own/**/*.sql")} == {"a.sql", "b.sql"}
    (tmp_path / "models" / "sub" / "b.sql").unlink()
    (project.folder / "macros").unlink()
    (project.folder / "macros").symlink_to(tmp_path)
    project_of(settings, tmp_path / "state").lay_out()
    assert {path.name for path in project.folder.glob("own/own/**/*.sql")} == {"a.sql"}
    assert (project.folder / "macros").readlink() == project_folder() / "macros"
    assert (project.folder / "models" / "marts" / "fact_orders.sql").is_file()


def model(name: str, config: str) -> dict[str, str]:
    return {f"{name}.sql": SQL, f"{name}.yml": f"models: [{{name: {name}, config: {{{config}}}}}]"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"mine.sql": "select 1 as one from {{ ref('fact_order') }}"}, [r"models/mine\.sql.*'fact_order'.*not found"]),
        ({"mine.sql": "select '{{ ref(' as x"}, [r"models/mine\.sql"]),
        ({"mine.sql": SQL, "mine.yml": "models:\n  - name: mine\n   description: x\n"}, [r"models/mine\.yml.*line 3"]),
        ({"mine.sql": SQL, "mine.yml": "models: [{name: mien}]"}, [r"'mien'.*models/mine\.yml"]),
        ({"mine.sql": SQL, "mine.yml": "models: [{name: fact_orders}]"}, [r"fact_orders.*models/mine\.yml"]),
        ({"fact_orders.sql": SQL}, [r"fact_orders.*models/fact_orders\.sql"]),
        (
            {
                "sub/sales_trend.sql": SQL,
                "my-model.sql": SQL,
                "build_log.sql": SQL,
                "Raw_orders.sql": SQL,
                "twice.sql": SQL,
                "sub/Twice.sql": SQL,
                "early.sql": "select 1 as one from {{ source('raw', 'orders') }}",
                "between.sql": "select 1 as one from {{ ref('int_changed_orders') }}",
                "now.sql": "select 1 as one from {{ ref('live_orders') }}",
                **model("moved", "schema: marts"),
                **model("renamed", "alias: fact_orders"),
                **model("seen", "materialized: view"),
                **model("misspelt", "meta: {kpi: {titel: x}}"),
                **model("round", "meta: {kpi: {chart: pie}}"),
                **model("coloured", "meta: {kpi: {filters: {colour: orders}}}"),
                **model("grained", "meta: {kpi: {filters: {grain: orders}}}"),
                **model("listed", "meta: {kpi: [title]}"),
                **model("good", "meta: {kpi: {title: Good, chart: none}}"),
            },
            [
                r"models/sub/sales_trend\.sql: sales_trend is .* agg_sales_trend; name it otherwise",
                r"models/my-model\.sql: 'my-model' cannot be the name of a table",
                r"models/build_log\.sql: build_log is the name of a table that armazem works with",
                r"models/Raw_orders\.sql: Raw_orders is the name of a table that armazem works with",
                r"models/twice\.sql: another one has its name",
                r"models/sub/Twice\.sql: another one has its name",
                r"models/early\.sql: it reads orders, which",
                r"models/between\.sql: it reads int_changed_orders, which",
                r"models/now\.sql: it reads live_orders, which",
                r"models/moved\.sql: its config has schema",
                r"models/renamed\.sql: its config has alias",
                r"models/seen\.sql: materialized is 'view'",
                r"models/misspelt\.yml: meta.kpi of model misspelt .* no titel",
                r"models/round\.yml: meta.kpi of model round .*chart",
                r"models/coloured\.yml: meta.kpi of model coloured .*no colour",
                r"models/grained\.yml: meta.kpi of model grained .*grains",
                r"models/listed\.yml: meta.kpi of model listed",
            ],
        ),
    ],
    ids=["ref", "Jinja", "YAML", "YAML of no model", "YAML of ours", "name of ours", "checks"],
)
def test_what_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], said: list[str]
) -> None:
    """The file is named as the user knows it, and what it is parsed to is not kept."""
    monkeypatch.setenv("ARMAZEM_DBT_DUCKDB_PATH", str(tmp_path / "building.duckdb"))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "models", files)
    project = project_of(Settings(home=tmp_path / "home"), tmp_path / "state")
    parsed = ParsedProject(project, DbtProfile("duckdb", tmp_path / "state", 1, {}), tmp_path / "logs")
    with pytest.raises(BuildError) as caught:
        parsed.manifest()
    assert [pattern for pattern in said if not re.search(pattern, str(caught.value))] == [], str(caught.value)
    assert "good" not in str(caught.value)
    assert "ARMAZEM_MODELS=none" in caught.value.hint
    assert "own/own" not in str(caught.value) and not parsed.is_current()


def test_a_copy_of_the_project_that_followed_its_links_is_laid_out_anew(tmp_path: Path) -> None:
    write(tmp_path / "models", {"mine.sql": SQL})
    project = project_of(Settings(home=tmp_path / "home"), tmp_path / "state")
    (project.folder / "models" / "old").mkdir(parents=True)
    (project.folder / "own" / "own").mkdir(parents=True)
    (project.folder / "own" / "own" / "left.sql").write_text("")
    project.lay_out()
    assert (project.folder / "models").is_symlink()
    assert [path.name for path in (project.folder / "own").rglob("*.sql")] == ["mine.sql"]


def test_a_name_of_any_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    write(folder, {"mine.sql": SQL})
    (folder / os.fsdecode(b"relat\xf3rio.sql")).write_text(SQL)
    own = own_models_of(Settings(home=tmp_path / "home"))
    assert own is not None and len(own.digest) == 64

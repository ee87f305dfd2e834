"""A lake behind a REST catalog, by settings alone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from landing.data import write

from armazem.config import Settings
from armazem.errors import LakeError
from armazem.lake.catalog import open_lake
from armazem.lake.landing import announced
from armazem.targets.duckdb import landed
from armazem.targets.registry import target_of

from .rest_catalog import RestCatalog
from .worlds import NAMES, dirty, in_home, land, landed_id, opened, raw

TOKEN = "s3cret"


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[RestCatalog]:
    with RestCatalog(tmp_path / "served", f"Bearer {TOKEN}") as catalog:
        yield catalog


@pytest.fixture
def rest(settings: Settings, catalog: RestCatalog, tmp_path: Path) -> Settings:
    properties = tmp_path / "lake.properties"
    properties.write_text(f"token={TOKEN}\nheader.x-goog-user-project=shop\n", encoding="utf-8")
    return settings.model_copy(
        update={"lake_catalog": catalog.url, "lake_warehouse": "gs://shop-lake", "lake_properties": str(properties)}
    )


def test_loads_builds_and_withdrawals_are_those_of_any_lake(
    rest: Settings, catalog: RestCatalog, tmp_path: Path
) -> None:
    other = in_home(rest).model_copy(update={"home": tmp_path / "other"})
    first = landed_id(rest, dirty(tmp_path / "in"))
    assert set(catalog.asked) == {"gs://shop-lake"}
    assert {headers.get("x-goog-user-project") for headers in catalog.headers} == {"shop"}
    land(other, tmp_path / "in")
    assert [[row[1:] for row in rows] for rows in raw(rest).values()] == [
        [row[1:] for row in rows] for rows in raw(other).values()
    ]
    second = landed_id(rest, write(tmp_path / "more"), force=True)
    target_of(rest).withdraw(first, lambda _: None)
    assert {row.load_id for row in landed.loads(rest)} == {second}
    assert {row[0] for rows in raw(rest).values() for row in rows} == {second}


def test_refused_commits_are_tried_again(rest: Settings, catalog: RestCatalog, tmp_path: Path) -> None:
    landed_id(rest, write(tmp_path / "1"))
    catalog.conflicts = 3
    second = landed_id(rest, dirty(tmp_path / "2"), force=True)
    assert catalog.conflicts == 0
    catalog.conflicts = 3
    target_of(rest).withdraw(second, lambda _: None)
    assert catalog.conflicts == 0
    lake = opened(rest)
    assert {name: len(lake.table(name).scan().to_arrow()) for name in NAMES} == {
        name: {"orders": 2, "customers": 2}.get(name, 1) for name in NAMES
    }


def test_a_load_of_which_nobody_knows_whether_it_landed_is_not_taken_out(
    rest: Settings, catalog: RestCatalog, tmp_path: Path
) -> None:
    """The answer to its last commit is lost, and the one to the question whether it arrived too."""
    opened(rest)
    catalog.silent = 2
    with pytest.raises(LakeError):
        land(rest, write(tmp_path / "in"))
    assert catalog.silent == 0
    [load_id] = {row.load_id for row in landed.loads(rest)}
    assert {row[0] for rows in raw(rest).values() for row in rows} == {load_id}
    assert announced(opened(rest)) == [load_id]
    assert land(rest, tmp_path / "in").load_id is None, "its files are unchanged"
    assert announced(opened(rest)) == []


def test_a_catalog_that_lets_nobody_in_is_named_without_the_token(rest: Settings, catalog: RestCatalog) -> None:
    catalog.authorization = "Bearer another"
    with pytest.raises(LakeError, match=r"127\.0\.0\.1") as caught:
        open_lake(rest)
    assert TOKEN not in f"{caught.value} {caught.value.hint}" and "ARMAZEM_LAKE_PROPERTIES" in caught.value.hint


def test_a_catalog_that_lost_its_tables_is_no_new_lake(rest: Settings, catalog: RestCatalog, tmp_path: Path) -> None:
    landed_id(rest, write(tmp_path / "1"))
    with RestCatalog(tmp_path / "empty", f"Bearer {TOKEN}") as empty:
        catalog._catalog = empty._catalog
        with pytest.raises(LakeError, match=r"has no table raw\.loads any more"):
            landed.loads(rest)


def test_another_way_to_prove_who_one_is(rest: Settings, catalog: RestCatalog, tmp_path: Path) -> None:
    catalog.authorization = f"Basic {base64.b64encode(b'shop:s3cret').decode()}"
    lines = "auth.type=basic\nauth.basic.username=shop\nauth.basic.password=s3cret\n"
    Path(rest.lake_properties).write_text(lines, encoding="utf-8")
    landed_id(rest, write(tmp_path / "in"))
    assert len(raw(rest)["orders"]) == 2

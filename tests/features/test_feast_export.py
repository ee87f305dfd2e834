"""`export feast`: a row for each day from which a feature is another one, with the values of that day, and no other."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from warehouse.exported import publish
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.contract.features import ENTITIES
from armazem.errors import ExportError, HomeError
from armazem.export import feast, folder
from armazem.export.feast import export_feast
from armazem.export.feast_repo import definitions, feature_store, join_key
from armazem.features import timeline
from armazem.features.catalogue import FEATURES, features_of
from armazem.features.requests import KEYS, Requests
from armazem.features.times import midnights
from armazem.features.training import training_set
from armazem.home import Home
from armazem.targets.duckdb.versions import version_file

from .known import Shown

ZONE = ZoneInfo("America/Sao_Paulo")
FILES = ["build.json", *sorted(f"data/{entity.name}_daily.parquet" for entity in ENTITIES)]
FILES += ["feature_repo/definitions.py", "feature_repo/feature_store.yaml"]


def silent(name: str, number: int, total: int) -> None: ...


@pytest.fixture(scope="module")
def exported(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    out = tmp_path_factory.mktemp("exported") / "features"
    export_feast(Settings(home=shop.path), out, silent)
    return out


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "features"


@pytest.fixture
def version(shop: Shop) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect(str(version_file(shop.home, shop.current)), read_only=True)) as connection:
        yield connection


def tree(place: Path) -> dict[str, bytes]:
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def read(export: Path, entity: str) -> pa.Table:
    return pq.read_table(export / "data" / f"{entity}_daily.parquet")


def midnight(instant: datetime) -> datetime:
    """The business time of an instant, which begins a day."""
    local = instant.astimezone(ZONE).replace(tzinfo=None)
    assert local - datetime.combine(local.date(), time()) in (timedelta(), timedelta(hours=1))
    return datetime.combine(local.date(), time())


def first_purchase(shown: Shown) -> date:
    first: datetime = min(order["order_purchase_timestamp"] for order in shown.orders)
    return first.date()


@pytest.mark.parametrize("entity", ["seller", "lane", "marketplace", "product", "customer"])
def test_rows_are_of_the_days_on_which_a_value_changes(exported: Path, shown: Shown, entity: str) -> None:
    """Against plain Python, which computes every day anew."""
    table = read(exported, entity)
    ids = shown.ids(entity)
    assert sorted(set(table["entity_id"].to_pylist())) == ids
    names = [feature.name for feature in FEATURES if feature.entity.name == entity]
    most = max(ids, key=lambda id_: len(shown.parts[entity, id_]))
    for id_ in {most, ids[0], ids[-1]}:
        expected: list[tuple[datetime, dict[str, Any]]] = []
        day = first_purchase(shown)
        while day <= shown.newest:
            known = shown.features(entity, id_, datetime.combine(day, time()))
            if not expected or known != expected[-1][1]:
                expected.append((datetime.combine(day, time()), known))
            day += timedelta(days=1)
        rows = [row for row in table.to_pylist() if row["entity_id"] == id_]
        assert [midnight(row["feature_timestamp"]) for row in rows] == [day for day, _ in expected]
        assert [{name: row[name] for name in names} for row in rows] == [known for _, known in expected]
        assert {row[f"{entity}_sold"] for row in rows[:1]} == {0}
        assert len(rows) > 3


def test_the_newest_row_before_a_time_is_its_training_set(
    exported: Path, settings: Settings, shown: Shown, numbers: Any
) -> None:
    first = datetime.combine(first_purchase(shown), time())
    requests = pa.Table.from_pylist([row for row in shown.requests(500, seed=7) if row["at"] >= first])
    expected = training_set(settings, Requests(requests)).append_column("number", pa.array(range(requests.num_rows)))
    for entity in ENTITIES:
        names = ", ".join(f"rows.{feature.name}" for feature in features_of([entity]))
        rows = f"read_parquet('{exported}/data/{entity.name}_daily.parquet')"
        key = f"expected.{KEYS[entity.name]}" if entity.name in KEYS else "'all'"
        found = duckdb.sql(
            f"select {names} from expected asof join {rows} as rows "
            f"on {key} = rows.entity_id and expected.at at time zone '{ZONE.key}' >= rows.feature_timestamp "
            "order by number"
        ).to_arrow_table()
        assert found.equals(expected.select(found.column_names).cast(found.schema))


def test_nothing_lies_ahead(exported: Path, shown: Shown, version: duckdb.DuckDBPyConnection) -> None:
    newest = datetime.combine(shown.newest, time())
    ahead = f"select count(*) from features.feat_seller_daily where feature_timestamp > timestamp '{newest}'"
    assert version.execute(ahead).fetchall() != [(0,)]
    for entity in ENTITIES:
        times = read(exported, entity.name)["feature_timestamp"].to_pylist()
        assert max(times) <= newest.replace(tzinfo=ZONE)
    until = json.loads((exported / "build.json").read_text(encoding="utf-8"))["features_until"]
    assert datetime.fromisoformat(until) == newest.replace(tzinfo=ZONE)


def test_created_is_when_the_last_of_the_news_was_told(exported: Path, version: duckdb.DuckDBPyConnection) -> None:
    facts = version.execute("select known_on, recorded_at from features.feat_order_facts").fetchall()
    rows = read(exported, "marketplace").select(["feature_timestamp", "created_timestamp"]).to_pylist()
    for row in rows[1:]:
        day = midnight(row["feature_timestamp"]).date()
        assert row["created_timestamp"] == max(told for known_on, told in facts if known_on < day)
    assert rows[0]["created_timestamp"] == rows[0]["feature_timestamp"]
    customers = read(exported, "customer").to_pylist()
    seen = {row["created_timestamp"] for row in customers if row["created_timestamp"] != row["feature_timestamp"]}
    assert seen == {told for _, told in facts}
    assert len(seen) == 2  # the two loads


def test_the_columns_are_those_that_others_read(exported: Path) -> None:
    for entity in ENTITIES:
        schema = pq.read_schema(exported / "data" / f"{entity.name}_daily.parquet")
        assert schema.names[:3] == ["entity_id", "feature_timestamp", "created_timestamp"]
        assert schema.types[:3] == [pa.string(), *[pa.timestamp("us", "UTC")] * 2]
        assert schema.names[3:] == [feature.name for feature in features_of([entity])]
        assert {str(type_) for type_ in schema.types[3:]} == {"int64", "double"}
        table = read(exported, entity.name)
        assert table.equals(table.sort_by([("entity_id", "ascending"), ("feature_timestamp", "ascending")]))


def test_pieces_make_the_same_files(
    exported: Path, settings: Settings, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "_ROWS", 120)
    export_feast(settings, out, silent)
    for entity in ENTITIES:
        assert read(out, entity.name).equals(read(exported, entity.name))
    assert pq.read_metadata(out / "data" / "customer_daily.parquet").num_row_groups > 5


def test_a_day_begins_at_one_where_there_is_no_midnight() -> None:
    days = pa.array([date(2017, 10, 14), date(2017, 10, 15), date(2018, 2, 18)], pa.date32())
    found = [instant.astimezone(ZONE) for instant in midnights(days, ZONE.key).to_pylist()]
    assert [f"{instant:%m-%d %H:%M:%S.%f}" for instant in found] == [
        "10-14 00:00:00.000000", "10-15 01:00:00.000000", "02-18 00:00:00.000000"
    ]  # fmt: skip


def test_build_json_says_what_it_is_of(exported: Path, shop: Shop) -> None:
    said = json.loads((exported / "build.json").read_text(encoding="utf-8"))
    assert (said["build_id"], said["time_zone"]) == (shop.current, ZONE.key)
    assert sorted(tree(exported)) == FILES
    assert sorted([*(table["file"] for table in said["tables"]), *said["files"], "build.json"]) == FILES
    for table in said["tables"]:
        assert (exported / table["file"]).stat().st_size == table["bytes"]
        assert pq.read_metadata(exported / table["file"]).num_rows == table["rows"]


def test_the_repository_has_every_feature_once(exported: Path) -> None:
    assert (exported / "feature_repo" / "definitions.py").read_text(encoding="utf-8") == definitions()
    calls = [node for node in ast.walk(ast.parse(definitions())) if isinstance(node, ast.Call)]
    named: dict[str, list[dict[str, Any]]] = {}
    for call in calls:
        assert isinstance(call.func, ast.Name)
        given = {word.arg: ast.literal_eval(word.value) for word in call.keywords if _is_literal(word.value)}
        named.setdefault(call.func.id, []).append(given)
    assert [field["name"] for field in named["Field"]] == [feature.name for feature in FEATURES]
    assert [view["name"] for view in named["FeatureView"]] == [entity.name for entity in ENTITIES]
    assert [entity["join_keys"] for entity in named["Entity"]] == [[join_key(entity)] for entity in ENTITIES]
    for source in named["FileSource"]:
        assert (exported / "feature_repo" / source["path"]).is_file()


def test_the_state_of_feast_lies_beside_the_export(exported: Path) -> None:
    text = (exported / "feature_repo" / "feature_store.yaml").read_text(encoding="utf-8")
    assert text == feature_store("features")
    said = yaml.safe_load(text)
    place = (exported / "feature_repo" / said["online_store"]["path"]).resolve()
    assert place.parent == exported.with_name("features-state")
    assert yaml.safe_load(feature_store("a: \"b'"))["registry"] == "../../a: \"b'-state/registry.db"


def test_an_earlier_export_is_replaced_only_with_force(settings: Settings, out: Path) -> None:
    export_feast(settings, out, silent)
    compiled = out / "feature_repo" / "__pycache__" / "definitions.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"")  # as `feast apply` leaves it
    before = tree(out)
    with pytest.raises(ExportError, match="holds an export already"):
        export_feast(settings, out, silent)
    assert tree(out) == before
    done = export_feast(settings, out, silent, force=True)
    assert sorted(tree(out)) == FILES
    assert sum(done.rows) == sum(pq.read_metadata(path).num_rows for path in out.rglob("*.parquet"))


@pytest.mark.parametrize(
    "foreign", ["photo.jpg", "data/mine.parquet", "feature_repo/mine.py", "feature_repo/__pycache__/mine.pyc"]
)
def test_files_that_no_export_wrote_are_never_deleted(settings: Settings, out: Path, foreign: str) -> None:
    export_feast(settings, out, silent)
    (out / foreign).parent.mkdir(parents=True, exist_ok=True)
    (out / foreign).write_text("dear to me")
    before = tree(out.parent)
    with pytest.raises(ExportError, match=f"such as {foreign}"):
        export_feast(settings, out, silent, force=True)
    assert tree(out.parent) == before


def test_an_export_may_be_called_as_python_calls_its_own_folder(settings: Settings, out: Path) -> None:
    out = out.parent / "__pycache__"
    export_feast(settings, out, silent)
    export_feast(settings, out, silent, force=True)
    (out / "definitions.cpython-311.pyc").write_bytes(b"dear to me")
    with pytest.raises(ExportError, match=r"such as definitions\.cpython-311\.pyc"):
        export_feast(settings, out, silent, force=True)


@pytest.mark.parametrize("name", ["of$HOME", "${HOME}", "$"])
def test_a_name_that_feast_reads_as_another_one_is_refused(settings: Settings, out: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"has a \$, and Feast takes") as refused:
        export_feast(settings, out.parent / name, silent)
    assert "name the folder without it" in refused.value.hint
    assert not any(out.parent.iterdir())


def test_a_full_disk_leaves_the_earlier_export(settings: Settings, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_feast(settings, out, silent)
    before = tree(out.parent)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for module, name in ((feast, "_write"), (feast, "sync_file"), (folder, "sync_path")):
        with monkeypatch.context() as patch, pytest.raises(ExportError, match="No space left on device"):
            patch.setattr(module, name, full)
            export_feast(settings, out, silent, force=True)
        assert tree(out.parent) == before


def test_what_is_refused(settings: Settings, tmp_path: Path, out: Path) -> None:
    publish(Home(tmp_path / "older"))
    with pytest.raises(ExportError, match="has no features") as error:
        export_feast(Settings(home=tmp_path / "older"), out, silent)
    assert "armazem build" in error.value.hint
    with pytest.raises(HomeError, match="there is no home folder"):
        export_feast(Settings(home=tmp_path / "other"), out, silent)
    Home(tmp_path / "other").open()
    with pytest.raises(HomeError, match="nothing is published"):
        export_feast(Settings(home=tmp_path / "other"), out, silent)
    with pytest.raises(ExportError, match="there is no folder"):
        export_feast(settings, tmp_path / "no" / "where", silent)
    out.write_text("a file")
    with pytest.raises(ExportError, match="is a file"):
        export_feast(settings, out, silent, force=True)
    assert sorted(path.name for path in out.parent.iterdir()) == ["features"]


def test_the_command(shop: Shop, out: Path) -> None:
    answer = shop.armazem("export", "feast", out)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines()[0] == "exporting 1/5 data.seller_daily"
    assert "5 tables, " in answer.err and f"of build {shop.current}" in answer.err
    again = shop.armazem("export", "feast", out)
    assert (again.code, "--force replaces it" in again.err) == (1, True)
    assert shop.armazem("export", "feast", out, "--force").code == 0


def _is_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.List) and all(isinstance(part, ast.Constant) for part in node.elts)
    )

"""What a scheduler needs of the commands: reports it can read, one load at a time, publishing as a step of its own."""

from __future__ import annotations

import json
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from golden import Golden
from soak import LONG, NUMBERS

from armazem.shop.history import generate
from armazem.targets.duckdb import versions

from .shop import Shop
from .test_publishing import payments_in_cents

pytestmark = pytest.mark.xdist_group("scheduled")


@pytest.fixture
def published(tmp_path: Path, golden: Golden) -> Shop:
    return golden.once(tmp_path / "home")


def report(shop: Shop, *arguments: object, code: int = 0) -> dict[str, Any]:
    """What a command prints with `--format json`."""
    answer = shop.armazem(*arguments, "--format", "json")
    assert answer.code == code, answer.err
    parsed: dict[str, Any] = json.loads(answer.out)
    return parsed


def test_a_poisoned_load_stops_no_other(published: Shop, golden: Golden, tmp_path: Path) -> None:
    first = published.current
    generate(tmp_path / "other", orders=60, seed=7)
    poisoned = report(published, "load", payments_in_cents(tmp_path / "poisoned", tmp_path / "other"), "--partial")
    good = report(published, "load", golden.second)
    assert {row["status"] for row in good["files"]} == {"loaded", "unchanged"}

    failed = report(published, "build", code=3)
    assert (failed["status"], failed["current"]) == ("failed", first)
    assert "audit_fact_sales_paid_what_it_cost" in [
        test["test"] for test in failed["tests"] if test["status"] == "fail"
    ]
    alone = report(published, "build", "--only-load", good["load_id"])
    assert (alone["status"], alone["current"]) == ("published", alone["build_id"])
    assert {row["load_id"] for row in published.rows("meta.loads")} & {poisoned["load_id"], good["load_id"]} == {
        good["load_id"]
    }
    # A second try has nothing to do, and what nobody asked for is still not in it.
    again = report(published, "build", "--only-load", good["load_id"])
    assert (again["build_id"], again["status"], again["current"]) == (None, "unchanged", alone["current"])

    assert published.armazem("unload", poisoned["load_id"]).code == 0
    assert report(published, "build")["status"] == "unchanged"
    twice = golden.twice(tmp_path / "twice")
    assert published.checksums() == twice.checksums()


def test_a_load_that_does_not_exist(published: Shop) -> None:
    answer = published.armazem("build", "--only-load", "20200101T000000000000Z")
    assert answer.code == 1
    assert "there is no load 20200101T000000000000Z" in answer.err
    assert published.armazem("build", "--only-load", "x", "--select", "dims").code == 2


def test_publishing_is_a_step_of_its_own(published: Shop, golden: Golden, tmp_path: Path) -> None:
    first, before = published.current, published.checksums()
    published.load(golden.second)
    built = report(published, "build", "--no-publish")
    assert (built["status"], built["current"]) == ("built", first)
    assert (published.current, published.checksums()) == (first, before)
    states = {row["build_id"]: row["state"] for row in json.loads(published.armazem("builds", "--format", "json").out)}
    assert states == {first: "current", built["build_id"]: "built"}
    # Nobody is given what was never published.
    assert published.armazem("rollback", built["build_id"]).code == 1
    assert published.armazem("rollback").code == 1

    once = report(published, "publish", built["build_id"])
    assert once == {"build_id": built["build_id"], "current": built["build_id"], "before": first}
    assert published.current == built["build_id"]
    assert published.checksums() == golden.twice(tmp_path / "twice").checksums()
    # The next try of the same step.
    assert report(published, "publish", built["build_id"])["before"] == built["build_id"]
    assert report(published, "build")["status"] == "unchanged"
    assert published.armazem("rollback").code == 0
    assert published.current == first


def test_what_would_take_back_another_build_is_refused(published: Shop, golden: Golden) -> None:
    published.load(golden.second)
    waiting = report(published, "build", "--no-publish")["build_id"]
    current = report(published, "build")["build_id"]
    refused = published.armazem("publish", waiting)
    assert refused.code == 1
    assert "build again" in refused.err
    assert published.current == current
    assert not list(published.home.builds.glob("*.waiting.duckdb"))

    refused = published.armazem("publish", "20200101T000000000000Z")
    assert refused.code == 1
    assert "there is no build 20200101T000000000000Z" in refused.err


def test_a_rollback_in_between(published: Shop, golden: Golden, tmp_path: Path) -> None:
    shop = golden.twice(tmp_path / "twice")
    waiting = report(shop, "build", "--full-refresh", "--no-publish")["build_id"]
    assert shop.armazem("rollback").code == 0
    restored = shop.current
    refused = shop.armazem("publish", waiting)
    assert refused.code == 1
    assert f"readers have {restored} by now" in refused.err
    assert shop.current == restored


def test_only_the_newest_wait(published: Shop) -> None:
    home = published.home
    for number in range(4):
        versions.waiting_file(home, f"2026010{number}T000000000000Z").touch()
    versions.drop_waiting(home, 2)
    assert versions.waiting_builds(home) == ["20260102T000000000000Z", "20260103T000000000000Z"]
    versions.drop_waiting(home)
    assert versions.waiting_builds(home) == []


def test_killed_while_it_publishes(published: Shop, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """A next try finds what the first one left."""
    published.load(golden.second)
    waiting = report(published, "build", "--no-publish")["build_id"]

    def killed(*_: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr(versions, "make_current", killed)
        assert published.armazem("publish", waiting).code == 137
    assert published.current != waiting
    assert report(published, "publish", waiting)["current"] == waiting
    assert report(published, "build")["status"] == "unchanged"
    assert not list(published.home.builds.glob("*.waiting.duckdb"))


def test_what_changed_is_told_by_content(published: Shop, golden: Golden) -> None:
    same = report(published, "build", "--full-refresh")
    assert {model["changed"] for model in same["models"] if model["rows"] is not None} == {False}

    published.load(golden.second / "olist_sellers_dataset.csv", partial=True)
    changed = [model["model"] for model in report(published, "build")["models"] if model["changed"]]
    assert "marts.dim_sellers" in changed
    assert "marts.dim_products" not in changed
    assert "marts.fact_orders" not in changed


def test_a_selection_says_what_it_does_not_take_in(published: Shop, golden: Golden) -> None:
    published.load(golden.second)
    before = published.checksums()
    selected = report(published, "build", "--select", "dims")
    assert "not taken in: 1 new load" in selected["reason"]
    ran = {model["model"] for model in selected["models"] if model["model"].startswith("marts.")}
    assert ran == {f"marts.dim_{name}" for name in ("customers", "products", "sellers", "dates", "locations")}
    assert published.checksums() == before
    others = (("facts", ("marts.fact_", "marts.audit_")), ("kpis", ("kpis.",)))
    for name, prefix in others if NUMBERS is LONG else others[:1]:
        models = report(published, "build", "--select", name)["models"]
        tables = [model["model"] for model in models if model["model"].startswith(("marts.", "kpis."))]
        assert tables
        assert all(table.startswith(prefix) for table in tables), tables
    assert report(published, "build")["status"] == "published"


def test_the_graph(published: Shop) -> None:
    graph = json.loads(published.armazem("graph").out)
    tables = {f"{row['layer']}.{row['table']}": row for row in published.rows("meta.models") if row["is_published"]}
    assert graph.keys() == tables.keys()
    assert set(TopologicalSorter(graph).static_order()) == graph.keys()  # no circle, and nothing that is not there
    assert graph["kpis.agg_sales_by_seller"] == ["marts.dim_sellers", "marts.fact_sales"]


def test_names_of_others_in_the_environment(published: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt setting is told; what Kubernetes puts beside a service of our name is not."""
    monkeypatch.setenv("ARMAZEM_PORT", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("ARMAZEM_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ARMAZEM_TREADS", "3")
    answer = published.armazem("status", "--format", "json")
    assert answer.code == 0
    assert "there is no setting ARMAZEM_TREADS; did you mean ARMAZEM_THREADS?" in answer.err
    assert answer.err.count("warning:") == 1

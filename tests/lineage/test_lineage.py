"""What a build tells OpenLineage: a real build, a real endpoint, and endpoints that fail it."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden import Golden
from openlineage.client.event_v2 import RunEvent, RunState
from reference.world import World
from warehouse.shop import Shop, ended, start

from armazem.config import Settings
from armazem.lineage import outbox
from armazem.lineage.configuration import is_configured, parent_of
from armazem.lineage.observer import observed
from armazem.targets.plan import BuildRequest, make_plan
from armazem.targets.registry import target_of

from .endpoint import Endpoint, endpoint
from .valid import event

pytestmark = pytest.mark.xdist_group("lineage")

PARENT = "airflow/nightly.armazem/01941f29-7c00-7087-8940-40e5bda75bb1"
SELECTED = ("build", "--select", "dim_dates")


def build(shop: Shop, url: str, *arguments: object, **more: str) -> tuple[int, str, float]:
    """The exit code, the remarks and the seconds of the real command."""
    began = time.monotonic()
    done = ended(start("--home", shop.path, *(arguments or ("build",)), env={"OPENLINEAGE_URL": url, **more}))
    return done.code, done.err, time.monotonic() - began


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, golden: Golden) -> Iterator[tuple[Shop, Endpoint, list[RunEvent]]]:
    """A shop whose second extract was built and told of, by a task of Airflow's."""
    shop = golden.once(tmp_path_factory.mktemp("lineage") / "home")
    shop.load(golden.second)
    with endpoint() as taking:
        code, err, _ = build(shop, taking.url, OPENLINEAGE_PARENT_ID=PARENT)
        assert code == 0, err
        assert "warning: lineage" not in err
        yield shop, taking, [event(body) for body in taking.bodies]


def of(events: list[RunEvent], job: str) -> list[RunEvent]:
    return [one for one in events if one.job.name == job]


def states(events: list[RunEvent]) -> list[str]:
    return [one.eventType.value for one in events if one.eventType]


def test_a_build_is_a_run_that_starts_and_completes(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, taking, events = built
    assert taking.paths == {"/api/v1/lineage"}
    whole = of(events, "build")
    assert (states(whole), whole[0], whole[1]) == (["START", "COMPLETE"], events[0], events[-1])
    assert len({one.run.runId for one in whole}) == 1
    assert {one.job.namespace for one in events} == {"armazem"}
    parent = whole[0].run.facets["parent"]
    assert (parent.job.namespace, parent.job.name, parent.run.runId) == tuple(PARENT.split("/"))
    told = {one.key: one.value for one in whole[1].run.facets["executionParameters"].parameters}
    assert told["build_id"] == shop.current
    assert told["reason"].startswith("incremental from ")


def test_its_inputs_are_the_new_loads(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, _, events = built
    loads = [row for row in shop.rows("meta.loads") if row["build_id"] == shop.current]
    assert loads
    for whole in of(events, "build"):
        read = {one.name: one.inputFacets["inputStatistics"] for one in whole.inputs}
        assert {name: facet.rowCount for name, facet in read.items()} == {
            f"raw.{load['table']}": load["rows_accepted"] for load in loads
        }
        assert all(facet.fileCount == 1 for facet in read.values())
        assert {one.namespace for one in whole.inputs} == {f"duckdb://{shop.path}"}


def test_each_model_is_a_run_below_it(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, _, events = built
    whole = of(events, "build")[0]
    children = {one.job.name for one in events} - {"build", "build.audit"}
    [record] = [row for row in shop.rows("meta.builds") if row["build_id"] == shop.current]
    assert len(children) == record["models"]
    for name in children:
        started, completed = of(events, name)
        assert states([started, completed]) == ["START", "COMPLETE"]
        assert started.run.runId == completed.run.runId != whole.run.runId
        assert started.run.facets["parent"].run.runId == whole.run.runId
        assert started.run.facets["parent"].root.run.runId == PARENT.rpartition("/")[2]
        assert whole.eventTime <= started.eventTime <= completed.eventTime
        assert completed.job.facets["sql"].query
        assert completed.job.facets["jobType"].jobType == "MODEL"


def test_a_model_names_what_it_reads_and_writes(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, _, events = built
    _, orders = of(events, "build.marts.fact_orders")
    assert {"staging.stg_orders", "staging.stg_customers", "staging.stg_order_items"} <= {
        one.name for one in orders.inputs
    }
    [written] = orders.outputs
    assert (written.namespace, written.name) == (f"duckdb://{shop.path}", "marts.fact_orders")
    assert written.outputFacets["outputStatistics"].rowCount == len(shop.rows("marts.fact_orders"))
    fields = {one.name: one for one in written.facets["schema"].fields}
    assert list(fields) == list(shop.rows("marts.fact_orders")[0])
    assert (fields["revenue"].type, fields["order_id"].type) == ("DECIMAL(18,2)", "VARCHAR")
    assert fields["order_id"].description == "Identifier of the order."
    _, staged = of(events, "build.staging.stg_batch_orders")
    assert "raw.orders" in {one.name for one in staged.inputs}
    _, taken = of(events, "build.intermediate.int_new_events")
    assert "raw.events" in {one.name for one in taken.inputs}
    names = {one.name for told in events for one in (*told.inputs, *told.outputs)}
    assert not [name for name in names if name.startswith(("control.", "meta."))]
    # What is read is a table of a model, also of one that this build left as it was, or what was loaded.
    tables = {f"{row['layer']}.{row['table']}" for row in shop.rows("meta.models")}
    assert {name for name in names - tables if not name.startswith("raw.")} == set()
    whole = of(events, "build")[1]
    assert {one.name: one.outputFacets["outputStatistics"].rowCount for one in whole.outputs}["marts.dim_dates"] == len(
        shop.rows("marts.dim_dates")
    )


def test_the_audit_says_what_was_tested(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, _, events = built
    started, completed = of(events, "build.audit")
    assert states([started, completed]) == ["START", "COMPLETE"]
    results = {row["test"]: row for row in shop.rows("meta.test_results") if row["build_id"] == shop.current}
    tests = {one.name: one for one in completed.run.facets["test"].tests}
    assert tests.keys() == results.keys()
    warned = [name for name, row in results.items() if row["status"] == "warn"]
    assert warned
    assert {name for name, one in tests.items() if one.status == "fail"} == set(warned)
    assert {tests[name].severity for name in warned} == {"warn"}
    [orders] = [one for one in completed.inputs if one.name == "staging.stg_orders"]
    for assertion in orders.inputFacets["dataQualityAssertions"].assertions:
        row = results[assertion.name]
        assert (assertion.success, assertion.actual) == (row["status"] == "pass", str(row["failures"]))
        assert assertion.content == row["sql"]


def test_a_build_with_nothing_to_do_says_nothing(built: tuple[Shop, Endpoint, list[RunEvent]]) -> None:
    shop, taking, events = built
    code, err, _ = build(shop, taking.url)
    assert (code, "it stays current" in err) == (0, True)
    assert len(taking.bodies) == len(events)


@pytest.fixture
def shop(tmp_path: Path, golden: Golden) -> Shop:
    return golden.once(tmp_path / "home")


def test_a_failed_audit(shop: Shop, tmp_path: Path) -> None:
    world = World()
    for number in range(40):  # paid a hundred times what they cost: a mis-scaled extract
        world.sale(f"x{number}", "x", "2018-08-29", "10.00")
        world.rows["olist_order_payments_dataset"][-1]["payment_value"] = "1000.00"
    shop.load(world.write(tmp_path / "scaled"), partial=True)
    with endpoint() as taking:
        code, err, _ = build(shop, taking.url)
    assert code == 3
    assert "warning: lineage" not in err
    events = [event(body) for body in taking.bodies]
    whole = of(events, "build")
    assert states(whole) == ["START", "FAIL"]
    message = whole[1].run.facets["errorMessage"].message
    assert "failed its audit: " in message
    assert f"readers keep {shop.current}" in message
    assert whole[1].outputs == []
    audit = of(events, "build.audit")[1]
    assert audit.eventType is RunState.FAIL
    failed = [one.name for one in audit.run.facets["test"].tests if (one.status, one.severity) == ("fail", "error")]
    assert failed
    assert all(name in audit.run.facets["errorMessage"].message for name in failed)
    assert [one for one in events if one.outputs] == []  # nothing that anybody sees was written


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def usual(shop: Shop) -> float:
    """The seconds of such a build without lineage, the second time, when dbt has parsed what is selected."""
    assert build(shop, "", *SELECTED)[0] == 0
    return build(shop, "", *SELECTED)[2]


@pytest.mark.parametrize("manner", ["refuses", "fails", "hangs"])
def test_an_endpoint_that_is_down_costs_seconds_only(shop: Shop, manner: Any) -> None:
    seconds = usual(shop)
    before = shop.current
    if manner == "refuses":
        code, err, took = build(shop, closed_port(), *SELECTED)
    else:
        with endpoint(manner) as bad:
            code, err, took = build(shop, bad.url, *SELECTED)
            assert bad.requests >= 1
    assert code == 0, err
    assert shop.current > before
    [warning] = [line for line in err.splitlines() if line.startswith("warning: lineage")]
    assert "lineage was not sent, or not all of it" in warning
    late = f"within {outbox.SECONDS:g} s"  # or it still tries again by then
    reasons = {"refuses": ("Connection refused",), "fails": ("500", late), "hangs": (late, "timed out")}
    assert any(reason in warning for reason in reasons[manner]), err
    assert "Retrying" not in err.replace(warning, "")
    assert took < 2 * seconds + outbox.SECONDS + 10, (took, seconds)


def test_what_is_interrupted_is_aborted_and_each_build_goes_to_its_own_endpoint(
    shop: Shop, golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load(golden.second)
    target = target_of(Settings(home=shop.path))
    current, before = target.published()
    plan = make_plan(BuildRequest(), target.loads(), current, before, before.fingerprint if before else "")
    for build_id in ("first", "second"):
        with endpoint() as taking:
            monkeypatch.setenv("OPENLINEAGE_URL", taking.url)
            remarks: list[str] = []
            with pytest.raises(KeyboardInterrupt), observed(target, remarks.append) as observer:
                observer.begun(build_id, plan)
                raise KeyboardInterrupt
            assert remarks == []
        events = [event(body) for body in taking.bodies]
        assert states(events) == ["START", "ABORT"]
        assert events[1].run.facets["executionParameters"].parameters[0].value == build_id
        assert events[1].run.facets["errorMessage"].message == "KeyboardInterrupt"


def test_wrong_configuration_is_said(shop: Shop) -> None:
    code, err, _ = build(shop, "nonsense", *SELECTED)
    assert (code, "warning: lineage was not sent" in err, "nonsense" in err) == (0, True, True)
    with endpoint() as taking:
        code, err, _ = build(shop, taking.url, *SELECTED, OPENLINEAGE_PARENT_ID="no run")
        assert (code, taking.requests) == (0, 0)
    assert "OPENLINEAGE_PARENT_ID is 'no run', and not namespace/job/run id" in err


def test_openlineage_s_own_configuration(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "events.log"
    file = tmp_path / "openlineage.yml"
    file.write_text(f"transport: {{type: file, log_file_path: {log}, append: true}}\n")
    code, err, _ = build(shop, "", *SELECTED, OPENLINEAGE_CONFIG=str(file), OPENLINEAGE_NAMESPACE="warehouse")
    assert (code, "warning: lineage" in err) == (0, False)
    assert '"namespace": "warehouse"' in log.read_text()
    size = log.stat().st_size
    code, _, _ = build(shop, "", *SELECTED, OPENLINEAGE_CONFIG=str(file), OPENLINEAGE_DISABLED="true")
    assert (code, log.stat().st_size) == (0, size)


def test_without_the_client_a_warning_says_what_to_install(shop: Shop, tmp_path: Path) -> None:
    # A package of that name without the client, in front of the real one: as where the extra is not installed.
    (tmp_path / "shadow" / "openlineage").mkdir(parents=True)
    (tmp_path / "shadow" / "openlineage" / "__init__.py").touch()
    path = ":".join([str(tmp_path / "shadow"), *filter(None, sys.path)])
    code, err, _ = build(shop, "http://127.0.0.1:9", *SELECTED, PYTHONPATH=path)
    assert code == 0
    assert "warning: no lineage is sent: sending lineage needs openlineage.client, which is not installed" in err
    assert 'pip install "armazem[lineage]"' in err


def test_what_counts_as_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not is_configured({})
    assert not is_configured({"OPENLINEAGE_URL": ""})
    assert not is_configured({"OPENLINEAGE_URL": "http://x", "OPENLINEAGE_DISABLED": " True"})
    assert is_configured({"OPENLINEAGE_URL": "http://x"})
    assert is_configured({"OPENLINEAGE__TRANSPORT__TYPE": "console"})
    (tmp_path / "openlineage.yml").touch()
    assert is_configured({})


@pytest.mark.parametrize("value", ["a", "a/b", "a//c", "/b/c", "a/b/"])
def test_a_parent_of_another_form(value: str) -> None:
    with pytest.raises(ValueError, match="not namespace/job/run id"):
        parent_of({"OPENLINEAGE_PARENT_ID": value})


def test_the_namespace_of_a_parent_ends_at_the_first_slash_and_its_run_begins_at_the_last() -> None:
    parent = parent_of({"OPENLINEAGE_PARENT_ID": "ns/a/b/run"})
    assert parent is not None
    assert (parent.namespace, parent.job, parent.run_id) == ("ns", "a/b", "run")
    assert parent_of({}) is None

"""The real command, on Pub/Sub and BigQuery of this machine: the same rows as `armazem subscribe` writes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

from pubsub_server import PubSubServer

from .conftest import Cloud
from .messages import SOURCE, canonical, payloads
from .test_options import ON_DATAFLOW, without

ROOT = Path(__file__).parents[2]
MESSAGES = 150


@pytest.fixture
def server() -> Iterator[PubSubServer]:
    with PubSubServer() as server:
        server.create("orders", "shop")
        server.create("orders", "beside")
        yield server


def command(cloud: Cloud, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    of_python = {"PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "armazem", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cloud.settings.home.parent,
        env={**os.environ, **of_python, **cloud.environment(), **environment},
    )  # fmt: skip


def until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.1)


def rows(cloud: Cloud) -> dict[str, list[str]]:
    return {table: canonical(cloud.rows(table)) for table in ("events", "dead_letters")}


def other(cloud: Cloud) -> Cloud:
    """Another warehouse beside it, whose tables are not made yet."""
    prefix = f"{cloud.settings.bigquery_dataset_prefix}other_"
    return Cloud(cloud.settings.model_copy(update={"bigquery_dataset_prefix": prefix}))


def test_the_same_rows_as_the_subscriber(cloud: Cloud, server: PubSubServer) -> None:
    """Of the same messages, published once: what came over the other subscription differs in its source only."""
    at = {"PUBSUB_EMULATOR_HOST": server.address}
    server.publish("orders", payloads(MESSAGES))
    of_beam = other(cloud)
    pipeline = command(
        of_beam, "dataflow", "run", "--runner=DirectRunner", f"--subscription={server.subscription('shop')}", **at
    )
    subscriber = command(cloud, "subscribe", "pubsub:demo-project/beside", f"--max-messages={MESSAGES}", **at)
    _, said = subscriber.communicate(timeout=60)
    assert subscriber.returncode == 0, said
    until(lambda: server.acknowledged("shop") == MESSAGES, pipeline)
    wanted = {
        table: [row.replace("demo-project/beside", "demo-project/shop") for row in of]
        for table, of in rows(cloud).items()
    }
    until(lambda: all(len(of) == len(wanted[table]) for table, of in rows(of_beam).items()), pipeline)
    pipeline.send_signal(signal.SIGTERM)
    _, said = pipeline.communicate(timeout=60)
    assert pipeline.returncode == 0, said
    assert "stopped" in said
    assert rows(of_beam) == wanted
    assert len(wanted["events"]) == 135
    assert {json.loads(row)["source"] for of in rows(of_beam).values() for row in of} == {SOURCE}


def answer(cloud: Cloud, *arguments: str, **environment: str) -> tuple[int, str, str]:
    process = command(cloud, *arguments, **environment)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def test_a_dry_run_shows_the_steps(cloud: Cloud) -> None:
    code, out, err = answer(cloud, "dataflow", "run", *without("runner"), "--dry_run=True")
    assert code == 0, err
    assert out.split("\n")[:-1] == ["Read", "Message", "Batch", "Check", "Append events", "Append dead letters"]
    assert "nothing was submitted" in err


def test_a_template_has_the_job(cloud: Cloud, tmp_path: Path) -> None:
    """Written here as into a bucket, by an endpoint of this machine that is never asked."""
    place = tmp_path / "templates" / "events"
    place.parent.mkdir()
    local = [
        "--dataflow_endpoint=http://localhost:1/", "--no_auth", "--write_endpoint=",
        f"--temp_location={tmp_path}", f"--staging_location={tmp_path}",
    ]  # fmt: skip
    given = without("dataset", without("temp_location", without("runner")))
    code, _, err = answer(cloud, "dataflow", "template", str(place), *given, *local)
    assert code == 0, err
    job = json.loads(place.read_text())
    options = job["environment"]["sdkPipelineOptions"]["options"]
    # The job runs in one project, and the tables are in that of the settings.
    prefix = cloud.settings.bigquery_dataset_prefix
    assert (options["project"], options["dataset"]) == ("my-project", f"demo-project.{prefix}raw")
    assert job["environment"]["serviceOptions"] == ["streaming_mode_at_least_once"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--regoin=southamerica-east1"], "there is no option --regoin; did you mean --region?"),
        (["--subscription=shop"], "--subscription=shop is not projects/PROJECT/subscriptions/NAME"),
        (["--subscription=projects/demo-project/subscriptions/shop"], "--region is missing"),
        ([], "--subscription is missing"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(cloud: Cloud, arguments: list[str], said: str) -> None:
    code, out, err = answer(cloud, "dataflow", "run", *arguments)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {said}\n  → ") and err.count("\n") == 2, err


def test_no_such_subscription(cloud: Cloud, server: PubSubServer) -> None:
    """An error before anything is made or pulled."""
    at = {"PUBSUB_EMULATOR_HOST": server.address}
    told = ["--runner=DirectRunner", f"--subscription={server.subscription('shopp')}"]
    code, _, err = answer(other(cloud), "dataflow", "run", *told, **at)
    assert code == 1 and "there is no subscription shopp in project demo-project" in err


def test_a_subscription_that_goes_away_ends_it(cloud: Cloud, server: PubSubServer) -> None:
    told = ["dataflow", "run", "--runner=DirectRunner", f"--subscription={server.subscription('shop')}"]
    server.publish("orders", payloads(10))
    pipeline = command(cloud, *told, PUBSUB_EMULATOR_HOST=server.address)
    until(lambda: server.acknowledged("shop") == 10, pipeline)
    server.delete("shop")
    _, said = pipeline.communicate(timeout=60)
    assert pipeline.returncode == 1
    assert "error: the pipeline ended: 404 " in said and "→ start it again" in said, said[-3000:]


def test_a_table_of_another_form(cloud: Cloud, server: PubSubServer) -> None:
    """An error before anything is pulled."""
    from google.cloud import bigquery

    from armazem.targets.bigquery.landing.raw import Raw

    raw = Raw(cloud.settings)
    raw.client.delete_table(raw.table("dead_letters"))
    raw.client.create_table(bigquery.Table(raw.table("dead_letters"), schema=[bigquery.SchemaField("id", "INTEGER")]))
    server.publish("orders", payloads(10))
    told = ["--runner=DirectRunner", f"--subscription={server.subscription('shop')}"]
    code, _, err = answer(cloud, "dataflow", "run", *told, PUBSUB_EMULATOR_HOST=server.address)
    assert code == 1 and "dead_letters does not fit: " in err
    assert server.acknowledged("shop") == server.outstanding("shop") == 0


def test_every_option_that_the_command_lists_is_taken(cloud: Cloud) -> None:
    """Given as its help shows it, with a value as text."""
    _, listed, _ = answer(cloud, "dataflow", "run", "--help")
    more = {
        "batch_size": "10",
        "max_num_workers": "2",
        "retry_seconds": "5",
        "time_zone": "UTC",
        "write_endpoint": "",
        "writer": "own",
    }
    given = [*ON_DATAFLOW, *(f"--{name}={value}" for name, value in more.items())]
    names = {one[2:].partition("=")[0] for one in given}
    assert set(re.findall(r"^  --(\w+) ", listed, re.MULTILINE)) == names
    code, _, err = answer(cloud, "dataflow", "run", *given, "--dry_run=True")
    assert code == 0, err

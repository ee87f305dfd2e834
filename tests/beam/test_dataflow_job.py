"""The job as Dataflow gets it: its steps, its options, and functions that a worker can take up. Nothing was sent to
Google: a dry run, and an endpoint on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

from google.pubsub_v1 import types
from write_server import WriteServer

from armazem.beam.run import ready, run, steps
from armazem.errors import CloudError

from .dataflow_service import DataflowService
from .messages import PROJECT, SUBSCRIPTION, canonical, expected, messages
from .test_options import ON_DATAFLOW, without

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "deploy" / "dataflow" / "requirements-worker.txt"
STEPS = ["Read", "Message", "Batch", "Check", "Append events", "Append dead letters"]


def dry_run(*more: str) -> Any:
    return run(ready([*ON_DATAFLOW, "--dry_run=True", *more]))


def test_the_steps_have_names() -> None:
    assert steps(dry_run()) == STEPS


def test_a_worker_takes_the_functions_up_and_works_with_them(tmp_path: Path) -> None:
    """In a clean process that has only the packages of the worker's lock, and this package without its own."""
    found = messages(60)
    with WriteServer() as server:
        told = [f"--subscription={SUBSCRIPTION}", f"--dataset={PROJECT}.raw", f"--write_endpoint={server.address}"]
        result = dry_run(*told)
        (tmp_path / "job").write_bytes(result.job.proto_pipeline.SerializeToString())
        raw = [
            types.PubsubMessage(data=one.data, message_id=one.message_id, publish_time=one.published) for one in found
        ]
        (tmp_path / "messages").write_text("\n".join(types.PubsubMessage.serialize(one).hex() for one in raw))
        command = [sys.executable, str(Path(__file__).with_name("worker.py"))]
        done = subprocess.run(
            [*command, str(tmp_path / "job"), str(LOCK), str(tmp_path / "messages")],
            capture_output=True, text=True, timeout=60, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        answer = json.loads(done.stdout)
        assert answer["imported"] == []
        assert {name.partition("/")[0].partition("(")[0] for name in answer["steps"]} == set(STEPS)
        there = {table: canonical(server.rows(table)) for table in ("events", "dead_letters")}
    assert there == expected(found)


def submitted(service: DataflowService, tmp_path: Path, *more: str) -> tuple[str, dict[str, Any]]:
    local = [
        f"--temp_location={tmp_path}",
        f"--staging_location={tmp_path}",
        "--no_auth",
        f"--dataflow_endpoint={service.url}",
    ]
    result = run(ready([*without("temp_location"), *local, *more]))
    assert result.job_id() == "job-1"
    [(path, job)] = service.jobs
    return path, job


def test_the_job_that_is_sent(tmp_path: Path) -> None:
    with DataflowService() as service:
        path, job = submitted(service, tmp_path, "--max_num_workers=7", "--machine_type=n2d-standard-2")
    assert path.partition("?")[0] == "/v1b3/projects/my-project/locations/southamerica-east1/jobs"
    assert job["name"] == "armazem-events"
    assert job["type"] in ("JOB_TYPE_STREAMING", 2)
    environment = job["environment"]
    assert environment["serviceOptions"] == ["streaming_mode_at_least_once"]
    assert "enable_streaming_engine" in environment["experiments"]
    [workers] = environment["workerPools"]
    assert workers["machineType"] == "n2d-standard-2"
    assert workers["autoscalingSettings"]["maxNumWorkers"] == 7
    assert {one["containerImage"] for one in workers["sdkHarnessContainerImages"]} == {
        "southamerica-east1-docker.pkg.dev/my-project/images/armazem-dataflow:1"
    }
    options = environment["sdkPipelineOptions"]["options"]
    assert {name: options[name] for name in ("subscription", "dataset", "region", "streaming")} == {
        "subscription": "projects/my-project/subscriptions/shop",
        "dataset": "my-project.raw",
        "region": "southamerica-east1",
        "streaming": True,
    }
    # The graph goes beside it: the file that a worker reads has the same steps.
    [staged] = list(tmp_path.rglob("pipeline.pb"))
    from apache_beam.portability.api import beam_runner_api_pb2

    pipeline = beam_runner_api_pb2.Pipeline.FromString(staged.read_bytes())
    [root] = pipeline.root_transform_ids
    assert [
        pipeline.components.transforms[one].unique_name for one in pipeline.components.transforms[root].subtransforms
    ] == STEPS


def test_a_job_that_is_not_taken(tmp_path: Path) -> None:
    with DataflowService(status=403) as service, pytest.raises(CloudError, match="the job was not taken") as raised:
        submitted(service, tmp_path)
    assert "docs/dataflow.md" in raised.value.hint

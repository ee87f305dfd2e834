"""The command dataflow where Beam is not installed: its help, the metadata of the template, and what it says else."""

from __future__ import annotations

import importlib.util
import json
import subprocess

import pytest
from click.testing import CliRunner

from armazem.beam.parameters import PARAMETERS
from armazem.cli import main

GOOD = {
    "subscription": [
        "projects/my-project/subscriptions/olist_orders_subscription",
        "projects/a.com:p/subscriptions/s-1.x",
    ],
    "dataset": ["my-project.raw", "my-project.shop_raw"],
    "time_zone": ["America/Sao_Paulo", "UTC", "Etc/GMT+3"],
    "batch_size": ["1", "1000", "100000"],
    "retry_seconds": ["600", "0.5", "2.25"],
    "writer": ["own", "beam"],
    "sdk_container_image": ["southamerica-east1-docker.pkg.dev/my-project/images/armazem-dataflow:1"],
}
BAD = {
    "subscription": ["shop", "pubsub:my-project/shop", "projects/my-project/topics/shop"],
    "dataset": ["raw", "my-project.marts", "a.b.raw"],
    "time_zone": ["", "3"],
    "batch_size": ["0", "100001", "ten"],
    "retry_seconds": ["0", "0.0", "-1"],
    "writer": ["theirs"],
    "sdk_container_image": ["", "an image"],
}


def spec() -> dict[str, dict[str, object]]:
    answer = CliRunner().invoke(main, ["dataflow", "flex-spec"])
    assert answer.exit_code == 0
    return {one["name"]: one for one in json.loads(answer.output)["parameters"]}


def test_the_template_has_the_options_of_the_pipeline() -> None:
    parameters = spec()
    # An emulator is nothing for a launcher; the image is an option of Beam's.
    assert set(parameters) == {one.name for one in PARAMETERS} - {"write_endpoint"} | {"sdk_container_image"}
    asked_for = {name for name, one in parameters.items() if not one.get("isOptional")}
    assert asked_for == {"subscription", "dataset", "sdk_container_image"}


@pytest.mark.parametrize("name", GOOD)
def test_what_google_checks_values_with_does_as_the_parser(name: str) -> None:
    """Its expressions are those of egrep."""
    [pattern] = spec()[name]["regexes"]  # type: ignore[misc]
    ours = {one.name: one for one in PARAMETERS}.get(name)
    for value, good in [*((one, True) for one in GOOD[name]), *((one, False) for one in BAD[name])]:
        done = subprocess.run(["grep", "-Eq", str(pattern)], input=f"{value}\n", text=True, check=False)
        assert (done.returncode == 0) == good, (pattern, value)
        if ours is not None and good:
            assert str(ours.value(value)) == str(ours.kind(value))


@pytest.mark.skipif(importlib.util.find_spec("apache_beam") is not None, reason="Beam is installed")
@pytest.mark.parametrize("arguments", [["run"], ["template", "gs://my-bucket/templates/events"]])
def test_without_beam_it_says_what_to_install(arguments: list[str]) -> None:
    answer = CliRunner().invoke(main, ["dataflow", *arguments])
    assert answer.exit_code == 1
    assert "needs apache_beam, which is not installed" in answer.output
    assert 'pip install "armazem[beam]"; in a checkout `make beam`' in answer.output

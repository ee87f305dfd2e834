"""The Terraform of deploy/terraform, without Terraform; and that what checks it finds what is wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hcl2", reason="`make deploy` runs these, in an environment that has what reads Terraform")
pytest.importorskip("cdktf_cdktf_provider_google", reason="`make deploy` runs these, with the provider's schema")

from armazem.contract.layers import LAYERS, META

from .places import DEPLOY, ROOT
from .terraform_check import Module, problems, read, strings
from .terraform_schema import kind_of

TERRAFORM = DEPLOY / "terraform"
GUIDE = (ROOT / "docs" / "google-cloud.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def module() -> Module:
    return read(TERRAFORM)


def resources(module: Module, kind: str) -> dict[str, Any]:
    found = {name: body for name, body in module.resources.items() if name.rpartition(".")[0] == kind}
    return {name.rpartition(".")[2]: body for name, body in found.items()}


def plain(value: Any) -> str:
    return str(value).strip('"')


def test_every_argument_and_reference_is_right(module: Module) -> None:
    assert len(module.resources) > 25
    assert problems(module) == []


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("storage.tf", "force_destroy ", "force_destory ", "there is no argument force_destory"),
        ("storage.tf", "  location                    = var.location\n", "", "location is required"),
        ("storage.tf", "  versioning {\n    enabled = true", "  versioning {\n    on = true", "no argument on"),
        ("storage.tf", "  versioning {", "  versioning = {", "versioning is a block, without ="),
        ("dataflow.tf", '  on_delete = "drain"\n', "  on_delete {\n  }\n", "on_delete is no block: write ="),
        ("run.tf", '        dynamic "env" {', '        dynamic "envs" {', "there is no argument envs"),
        ("run.tf", "          name  = env.key\n", "", "name is required"),
        ("events.tf", "google_pubsub_topic.events.id", "google_pubsub_topic.event.id", "no google_pubsub_topic.event"),
        ("events.tf", "google_pubsub_topic.events.id", "google_pubsub_topic.events.url", "events has no url"),
        ("accounts.tf", "account[each.key].member", "account.member", "several google_service_account.account"),
        ("storage.tf", 'account["loader"]', 'account["lodaer"]', 'has no "lodaer"'),
        ("storage.tf", "bucket.inbox.name", "bucket.inbox[0].name", "there is one google_storage_bucket.inbox"),
        ("storage.tf", "  for_each = var.uploaders\n", "", "each without for_each"),
        ("run.tf", "var.subscribers\n", "var.subscriber\n", "there is no variable subscriber"),
        ("warehouse.tf", "local.published, var", "local.publish, var", "there is no local publish"),
        ("variables.tf", 'variable "publishers"', 'variable "senders"', "var.senders is used nowhere"),
        ("variables.tf", '  description = "Who may put files into the inbox."\n', "", "uploaders: no description"),
        ("dataflow.tf", '"google_dataflow_job" "', '"google_dataflow_jobs" "', "no such kind of resource"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, file: str, right: str, wrong: str, said: str) -> None:
    for path in TERRAFORM.glob("*.tf"):
        shutil.copy(path, tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert right in text
    (tmp_path / file).write_text(text.replace(right, wrong, 1), encoding="utf-8")
    assert any(said in line for line in problems(read(tmp_path))), problems(read(tmp_path))


def test_a_kind_that_is_not_there_is_none() -> None:
    assert kind_of("google_storage_buckets") is None
    bucket = kind_of("google_storage_bucket")
    assert bucket is not None
    assert bucket.arguments["location"].required
    assert "url" in bucket.gives


def test_the_datasets_are_those_of_a_warehouse(module: Module) -> None:
    """The layers that are published, and the three that are not: as the guide to BigQuery lists them."""
    layers = {layer.name for layer in LAYERS if layer.published} | {META}
    datasets = set(module.locals["datasets"]) - {"__comments__", "__is_block__"}
    assert datasets == layers | {"raw", "audit", "kept"}
    assert datasets == set(re.search(r"for dataset in ([\w ]+); do", GUIDE).group(1).split())  # type: ignore[union-attr]
    assert {plain(name) for name in module.locals["published"]} == layers


def test_the_roles_are_those_of_the_guide(module: Module) -> None:
    """No role on the project but to run jobs and to be a worker; nobody is owner or editor, or has a key."""
    on_project = {(plain(body["role"]), name) for name, body in resources(module, "google_project_iam_member").items()}
    assert on_project == {("roles/bigquery.jobUser", "queries"), ("roles/dataflow.worker", "worker")}
    roles = {plain(body["role"]) for body in module.resources.values() if "role" in body}
    assert not roles & {"roles/owner", "roles/editor", "roles/viewer", "roles/bigquery.admin", "roles/storage.admin"}
    assert resources(module, "google_service_account_key") == {}
    everything = " ".join(text for body in module.resources.values() for text in strings(body))
    assert "allUsers" not in everything
    assert "allAuthenticatedUsers" not in everything
    granted = " ".join(plain(text) for text in strings(module.locals["grants"]))
    for account, role in re.findall(r"^grant (\w+) (\w+) ", GUIDE, re.MULTILINE):
        assert account in granted, account
        assert role in granted, role


def test_only_one_environment_of_one_repository_is_believed(module: Module) -> None:
    [provider] = resources(module, "google_iam_workload_identity_pool_provider").values()
    subject = "repo:${var.github_repository}:environment:release"
    assert plain(provider["attribute_condition"]) == f"assertion.sub == '{subject}'"
    [member] = resources(module, "google_service_account_iam_member").values()
    assert plain(member["member"]).endswith(f"/subject/{subject}")


def test_the_example_names_variables_that_are_there(module: Module) -> None:
    example = (TERRAFORM / "terraform.tfvars.example").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:# )?(\w+) += ", example, re.MULTILINE))
    assert named <= set(module.variables)
    assert {name for name, body in module.variables.items() if "default" not in body} <= named

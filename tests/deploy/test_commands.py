"""What files and pages tell armazem to do, it can do; what they set are settings that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from armazem.cli.group import main
from armazem.config import Settings
from armazem.serve.http.app import API_PATHS

from .commands import PAGES, containers, documents, image_command, of_files, of_page, refused
from .places import DEPLOY, ROOT, WORKFLOWS

FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix not in (".txt", ".pyc"))
TEXTS = {path: path.read_text(encoding="utf-8") for path in [*FILES, *WORKFLOWS, ROOT / "docs" / "deploy.md"]}
KNOWN = {f"ARMAZEM_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize(("where", "arguments"), of_files().items(), ids=str)
def test_every_command_of_a_file_is_one(where: str, arguments: list[str]) -> None:
    assert refused([argument.replace("${PROJECT}", "my-project") for argument in arguments]) == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_is_one(page: Path) -> None:
    said = {" ".join(words): refused(words, whole=len(words) > 1 and "…" not in words) for words in of_page(page)}
    assert {words: problem for words, problem in said.items() if problem} == {}


def test_pages_do_name_commands() -> None:
    assert sum(len(of_page(page)) for page in PAGES) > 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--hots", "0.0.0.0"], "No such option"),
        (["serves"], "there is no command serves"),
        (["build", "--target", "bigqery"], "Invalid value"),
        (["subscribe", "pubsb:my-project"], "Invalid value"),
        (["dead-letters", "lst"], "there is no command lst"),
    ],
)
def test_a_command_that_is_none_is_found(arguments: list[str], said: str) -> None:
    assert said in refused(arguments)


def test_every_setting_is_one() -> None:
    named = {(path.name, name) for path, text in TEXTS.items() for name in re.findall(r"ARMAZEM_[A-Z_]*[A-Z]", text)}
    assert len(named) > 20
    assert {(path, name) for path, name in named if name not in KNOWN} == set()


def test_the_server_is_asked_where_it_answers() -> None:
    """Ports and paths of probes, health checks and examples are those of the server."""
    port = image_command()[image_command().index("--port") + 1]
    text = "".join(TEXTS.values())
    asked = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w*)?", text)
    assert len(asked) > 4
    assert {port} == {number for number, _ in asked}
    assert {path for _, path in asked if path} <= set(API_PATHS)
    assert re.findall(r"^EXPOSE (\d+)$", TEXTS[DEPLOY / "server" / "Dockerfile"], re.MULTILINE) == [port]
    [server] = [one for one in containers(documents("kubernetes")) if one["name"] == "serve"]
    assert [told["containerPort"] for told in server["ports"]] == [int(port)]
    probes = {name: server[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    # What is restarted is a process that hangs, never one whose disk is full.
    assert probes == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    [annotations] = [
        one["spec"]["template"]["metadata"]["annotations"]
        for one in documents("kubernetes")
        if one["kind"] == "StatefulSet"
    ]
    assert annotations["prometheus.io/port"] == port
    assert annotations["prometheus.io/path"] in API_PATHS


def test_a_server_that_others_reach_wants_a_token() -> None:
    """What README.md of the image says: exit code 2."""
    done = CliRunner().invoke(main, image_command())
    assert done.exit_code == 2
    assert "ARMAZEM_TOKEN" in done.output


def test_cloud_run_and_terraform_say_the_same() -> None:
    """By hand or by Terraform: the same commands, sizes and tries."""
    terraform = TEXTS[DEPLOY / "terraform" / "run.tf"]
    for one in documents("cloud-run"):
        [container] = containers(one)
        name = one["metadata"]["name"]
        [block] = re.findall(rf'name += "{name}"\n(.*?)^}}', terraform, re.MULTILINE | re.DOTALL)
        args = " ".join(re.findall(r"args += \[(.+)\]", block)[0].replace('"', "").split(", "))
        args = re.sub(
            r"\$\{google_pubsub_subscription.events.name\}", "armazem-events", args.replace("var.project", "PROJECT")
        )
        args = args.replace("${google_storage_bucket.inbox.name}", "${PROJECT}-armazem-inbox")
        assert args == " ".join(container["args"])
        limits = container["resources"]["limits"]
        assert f'limits = {{ cpu = "{limits["cpu"]}", memory = "{limits["memory"]}" }}' in block
        inner = one["spec"]["template"]["spec"].get("template", {}).get("spec")
        if inner:
            assert re.findall(r"max_retries += (\d+)", block) == [str(inner["maxRetries"])]
            assert re.findall(r'timeout += "(\d+)s"', block) == [inner["timeoutSeconds"]]

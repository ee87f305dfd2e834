"""What the linters of others say of the files in deploy/ and of the workflows: nothing, or what is named here."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
import yaml

from .commands import UNITS
from .places import DEPLOY, ROOT, WORKFLOWS, program, said

KUBERNETES = [path for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")) if path.name != "kustomization.yaml"]
GO = "`make deploy` builds it where there is Go"
DOCKERFILES = sorted(DEPLOY.glob("*/Dockerfile"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint(path: Path) -> None:
    assert said(program("hadolint"), "--failure-threshold", "style", path) == ""


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    text = (DEPLOY / "server" / "Dockerfile").read_text(encoding="utf-8")
    (tmp_path / "Dockerfile").write_text(text.replace("FROM ${BASE}\n", "FROM debian:latest\n"), encoding="utf-8")
    assert "DL3007" in said(program("hadolint"), tmp_path / "Dockerfile", codes=(1,))


def test_compose() -> None:
    compose = program("docker-compose")
    file = DEPLOY / "compose" / "compose.yaml"
    whole = yaml.safe_load(said(compose, "-f", file, "config", ARMAZEM_TOKEN="of-the-test"))
    server = whole["services"]["server"]
    assert server["environment"]["ARMAZEM_TOKEN"] == "of-the-test"
    assert server["build"]["context"] == str(ROOT)
    assert [(port["host_ip"], port["published"], port["target"]) for port in server["ports"]] == [
        ("127.0.0.1", "8000", 8000)
    ]


def test_compose_asks_for_a_token() -> None:
    compose = program("docker-compose")
    answer = said(compose, "-f", DEPLOY / "compose" / "compose.yaml", "config", codes=(1,))
    assert "a secret that senders and readers give" in answer


def test_actionlint() -> None:
    assert said(program("actionlint", GO), "-oneline", *WORKFLOWS) == ""


def test_actionlint_reads_the_lines_of_shell(tmp_path: Path) -> None:
    """It asks shellcheck, where that is on the path."""
    program("shellcheck")
    workflow = "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo $UNQUOTED\n"
    (tmp_path / "a.yml").write_text(workflow, encoding="utf-8")
    assert "SC2086" in said(program("actionlint", GO), "-oneline", tmp_path / "a.yml", codes=(1,))


def test_zizmor() -> None:
    """Without the network, with the audits for auditors too; one is of how a workflow here is named by another."""
    answer = said(
        program("zizmor"), "--offline", "--persona=auditor", "--format=json", ROOT / ".github", codes=(0, 11, 12)
    )
    found = {finding["ident"] for finding in json.loads(answer[answer.index("[") : answer.rindex("]") + 1])}
    assert found <= {"self-repository"}


def test_zizmor_finds_what_was_wrong(tmp_path: Path) -> None:
    """The workflow that was here before: actions by tags that move, credentials that stay."""
    (tmp_path / "ci.yml").write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n",
        encoding="utf-8",
    )
    answer = said(program("zizmor"), "--offline", "--format=json", tmp_path / "ci.yml", codes=(13, 14))
    assert {"unpinned-uses", "artipacked"} <= set(re.findall(r'"ident": ?"([\w-]+)"', answer))


def test_kubernetes_validate() -> None:
    """Against the schemas of the oldest version that is looked after, and of the newest one that is known here."""
    validate = program("kubernetes-validate")
    for version in ("1.33", "1.36"):
        said(validate, "--strict", "--version", version, *KUBERNETES)


def test_kubernetes_validate_finds_what_is_wrong(tmp_path: Path) -> None:
    text = (DEPLOY / "kubernetes" / "server.yaml").read_text(encoding="utf-8")
    (tmp_path / "server.yaml").write_text(text.replace("readinessProbe:", "readynessProbe:"), encoding="utf-8")
    assert "readynessProbe" in said(program("kubernetes-validate"), "--strict", tmp_path / "server.yaml", codes=(1,))


def test_kube_score() -> None:
    assert said(program("kube-score", GO), "score", "--output-format", "ci", *KUBERNETES).count("[OK]") > 20


def test_kustomization_names_what_is_there() -> None:
    told = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text(encoding="utf-8"))
    assert sorted(told["resources"]) == [path.name for path in KUBERNETES]
    images = {
        image for path in KUBERNETES for image in re.findall(r"image: ([^:\s]+)", path.read_text(encoding="utf-8"))
    }
    assert images == {image["name"] for image in told["images"]}


@pytest.mark.parametrize("framework", ["terraform", "dockerfile", "kubernetes"])
def test_checkov(framework: str) -> None:
    """In an environment of its own; without the network. What is skipped has its reason where it is named."""
    checkov = os.environ.get("CHECKOV") or shutil.which("checkov")
    if checkov is None:
        pytest.skip("checkov is not here: `make deploy` runs this, with an environment of its own")
    folder = {"terraform": DEPLOY / "terraform", "dockerfile": DEPLOY / "server", "kubernetes": DEPLOY / "kubernetes"}
    answer = said(
        checkov, "--quiet", "--compact", "--skip-download", "--output", "json",
        "--config-file", DEPLOY / "checkov.yaml", "--framework", framework, "--directory", folder[framework],
        codes=(0, 1),
    )  # fmt: skip
    answer = answer[answer.index("{") :]
    result = json.JSONDecoder().raw_decode(answer)[0]
    failed = [f"{one['check_id']} {one['check_name']}: {one['resource']}" for one in result["results"]["failed_checks"]]
    assert failed == []
    assert result["summary"]["passed"] > 5


@pytest.mark.parametrize("path", sorted((DEPLOY / "terraform").glob("*.tf*")), ids=lambda path: path.name)
def test_hclfmt(path: Path) -> None:
    """HashiCorp's own parser and format, which are those of `terraform fmt`."""
    assert said(program("hclfmt", GO), path) == path.read_text(encoding="utf-8")


def of_systemd(folder: Path, **changes: str) -> list[Path]:
    """The units as they are, but for the program, which is not installed here, and what is changed."""
    paths = []
    for path in [*UNITS, DEPLOY / "systemd" / "armazem-build.timer"]:
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, value in changes.items():
            text = text.replace(f"{name}=", f"{value}=")
        paths.append(folder / path.name)
        paths[-1].write_text(text, encoding="utf-8")
    return paths


def test_systemd_verify(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "it comes with systemd")
    said(analyze, "verify", "--man=no", *of_systemd(tmp_path))


def test_systemd_verify_finds_what_is_wrong(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "it comes with systemd")
    units = of_systemd(tmp_path, ProtectSystem="ProtectSystm")
    assert "ProtectSystm" in said(analyze, "verify", "--man=no", *units, codes=(0, 1))


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_security(unit: Path) -> None:
    """Its own measure of what a service that is broken into can reach: 10 is everything, below 2 it says OK."""
    analyze = program("systemd-analyze", "it comes with systemd")
    said(analyze, "security", "--no-pager", "--offline=true", "--threshold=15", unit)


def test_systemd_calendar() -> None:
    analyze = program("systemd-analyze", "it comes with systemd")
    text = (DEPLOY / "systemd" / "armazem-build.timer").read_text(encoding="utf-8")
    [when] = re.findall(r"^OnCalendar=(.+)$", text, re.MULTILINE)
    assert "02:00:00 UTC" in said(analyze, "calendar", when, TZ="UTC", LC_ALL="C")

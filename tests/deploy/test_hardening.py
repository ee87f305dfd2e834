"""What keeps a server that is broken into from doing more, alike in every way to run it. And no secrets in files."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from .commands import UNITS, containers, documents
from .places import DEPLOY, ROOT, WORKFLOWS

DOCKERFILE = (DEPLOY / "server" / "Dockerfile").read_text(encoding="utf-8")
UNIT = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "KB": 10**3, "MB": 10**6, "GB": 10**9, "g": 2**30, "G": 2**30}


def size(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(\w+)", text).groups()  # type: ignore[union-attr]
    return int(number) * UNIT[unit]


def server_of_kubernetes() -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod, and its container that serves."""
    [pod] = [one["spec"]["template"]["spec"] for one in documents("kubernetes") if one["kind"] == "StatefulSet"]
    return pod, next(one for one in pod["containers"] if one["name"] == "serve")


def server_of_compose() -> dict[str, Any]:
    return dict(documents("compose")[0]["services"]["server"])


def settings_of(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: str(one.get("value", "")) for one in container["env"]}


def test_the_image_runs_as_another_user_than_root() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    [user] = re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert user == ("10001", "10001")
    assert f"--uid {user[0]} " in last
    assert "USER" not in last.partition("\nUSER ")[2]  # nobody becomes root again
    pod, server = server_of_kubernetes()
    for told in (pod["securityContext"], *(one["securityContext"] for one in containers(pod))):
        assert told["runAsNonRoot"] is True
        assert (told["runAsUser"], told["runAsGroup"]) == (10001, 10001)
    assert pod["securityContext"]["fsGroup"] == 10001
    assert server["securityContext"]["allowPrivilegeEscalation"] is False
    assert [unit.name for unit in UNITS if "\nUser=armazem\n" not in unit.read_text(encoding="utf-8")] == []


def test_the_root_is_read_only_and_the_rest_is_mounted() -> None:
    """Two places are written to; both ways give exactly these."""
    written = {"/data", "/tmp"}
    assert re.findall(r"^VOLUME (\S+)$", DOCKERFILE, re.MULTILINE) == ["/data"]
    assert "HOME=/tmp" in DOCKERFILE
    pod, server = server_of_kubernetes()
    assert all(one["securityContext"]["readOnlyRootFilesystem"] is True for one in containers(pod))
    assert {mount["mountPath"] for mount in server["volumeMounts"]} == written
    compose = server_of_compose()
    assert compose["read_only"] is True
    targets = {volume.split(":")[1] for volume in compose["volumes"]} | {one.split(":")[0] for one in compose["tmpfs"]}
    assert {target for target in targets if not target.startswith("/data/")} == written
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        assert "\nProtectSystem=strict\n" in text
        assert "\nStateDirectory=armazem" in text
        assert "\nPrivateTmp=yes\n" in text


def test_no_capabilities_and_no_new_ones() -> None:
    _, server = server_of_kubernetes()
    assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    compose = server_of_compose()
    assert (compose["cap_drop"], compose["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    for unit in UNITS:
        assert "\nCapabilityBoundingSet=\n" in unit.read_text(encoding="utf-8")
        assert "\nNoNewPrivileges=yes\n" in unit.read_text(encoding="utf-8")


def test_memory_of_duckdb_is_within_the_limit() -> None:
    """A build and a query at once, and half as much again for the server itself: what DuckDB takes of its own accord is
    of the machine, and the kernel would end the process.
    """
    _, server = server_of_kubernetes()
    compose = server_of_compose()
    unit = (DEPLOY / "systemd" / "armazem.service").read_text(encoding="utf-8")
    of_unit = dict(re.findall(r"^Environment=(ARMAZEM_\w+)=(\S+)$", unit, re.MULTILINE))
    for limit, settings in (
        (server["resources"]["limits"]["memory"], settings_of(server)),
        (compose["mem_limit"], compose["environment"]),
        (re.findall(r"^MemoryMax=(\w+)$", unit, re.MULTILINE)[0], of_unit),
    ):
        needed = size(settings["ARMAZEM_MEMORY_LIMIT"]) + size(settings["ARMAZEM_QUERY_MEMORY"])
        assert needed * 1.25 < size(limit)


def test_the_cluster_calls_the_server_by_names_that_it_answers_to() -> None:
    _, server = server_of_kubernetes()
    allowed = settings_of(server)["ARMAZEM_ALLOWED_HOSTS"].split(",")
    [service] = [one for one in documents("kubernetes") if one["kind"] == "Service" and "clusterIP" not in one["spec"]]
    name, space = service["metadata"]["name"], service["metadata"]["namespace"]
    assert allowed == [name, f"{name}.{space}", f"{name}.{space}.svc", f"{name}.{space}.svc.cluster.local"]


def test_the_cluster_sets_no_variables_that_are_no_settings() -> None:
    """A service called armazem would set ARMAZEM_PORT in its pods, and armazem refuses settings that it has not."""
    pod, _ = server_of_kubernetes()
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False


def test_the_base_is_named_by_its_digest() -> None:
    assert re.search(r"^ARG BASE=docker\.io/\S+:3\.11\.\d+-\S+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}


def test_every_package_of_the_image_is_of_the_lock_and_has_a_hash() -> None:
    """The versions are those that the tests run with."""
    pinned = re.compile(r"^([a-z0-9][\w.-]*(?:\[[\w,-]+\])?)==(\S+)", re.MULTILINE)
    text = (DEPLOY / "server" / "requirements.txt").read_text(encoding="utf-8")
    image = dict(pinned.findall(text))
    tested = dict(pinned.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")))
    assert {"google-cloud-pubsub", "dbt-bigquery", "duckdb", "uvicorn"} <= set(image)
    assert {name: version for name, version in image.items() if tested.get(name) != version} == {}
    assert len(re.findall(r"==\S+(?: ;[^\\]*)? \\\n    --hash=sha256:", text)) == len(image)
    uv = re.findall(r"^ARG UV_VERSION=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert uv == [tested["uv"]]


def test_the_build_takes_only_what_is_named() -> None:
    lines = (DEPLOY / "server" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    taken = {line[1:] for line in rules if line.startswith("!")}
    # `COPY --from` is of the other stage.
    copied = {
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    }
    assert copied == taken
    assert all((ROOT / path).exists() for path in taken)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_may_do_little(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "uses" in job or "timeout-minutes" in job, name
        for step in job.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    used = re.findall(r"uses: (\S+)(.*)$", text, re.MULTILINE)
    assert used
    for action, comment in used:
        assert action.startswith("./") or re.search(r"@[0-9a-f]{40}$", action), action
        assert action.startswith("./") or re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action


def test_one_action_has_one_version() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    versions: dict[str, set[str]] = {}
    for action, version in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", text):
        versions.setdefault(action, set()).add(version)
    assert {action for action, found in versions.items() if len(found) > 1} == set()


def test_no_secret_is_in_a_file() -> None:
    """A token is always of the environment, of a secret of the cluster, or of a file that is not here."""
    texts = {path: path.read_text(encoding="utf-8") for path in [*DEPLOY.rglob("*"), *WORKFLOWS] if path.is_file()}
    secret = re.compile(
        r"-----BEGIN|AIza[\w-]{35}|ghp_\w{36}|pypi-Ag\w+|\"private_key\"|"
        r"ARMAZEM_TOKEN[\"']?[:=] *[\"']?(?!\$|…)[\w+/-]{8,}"
    )
    assert [str(path) for path, text in texts.items() if secret.search(text)] == []
    assert secret.search("ARMAZEM_TOKEN: 0123456789abcdef")
    asked = {name for text in texts.values() for name in re.findall(r"secrets\.(\w+)", text)}
    assert asked == {"GITHUB_TOKEN"}

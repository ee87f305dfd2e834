"""The commands of armazem that files and pages name, and whether its command line takes them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from armazem.cli.group import main

from .places import DEPLOY, ROOT

PAGES = [
    ROOT / "docs" / "deploy.md",
    *sorted(path for path in DEPLOY.rglob("README.md") if path.parent.name != "dataflow"),
]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def documents(folder: str) -> list[dict[str, Any]]:
    """All objects in the YAML files of a folder of deploy/."""
    files = sorted((DEPLOY / folder).glob("*.yaml"))
    return [one for path in files for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def containers(value: Any) -> Iterator[dict[str, Any]]:
    """Every container of a manifest, wherever it stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("containers", "initContainers"):
                yield from inner
            yield from containers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from containers(inner)


def image_command() -> list[str]:
    """What the image runs where nothing is said: its CMD."""
    text = (DEPLOY / "server" / "Dockerfile").read_text(encoding="utf-8")
    return list(yaml.safe_load(re.findall(r"^CMD (\[.+\])$", text, re.MULTILINE)[0]))


def of_files() -> dict[str, list[str]]:
    """Where to the arguments of armazem, of every file that starts it but Terraform's (see test_commands.py)."""
    found = {"deploy/server/Dockerfile": image_command()}
    for unit in UNITS:
        [line] = re.findall(r"^ExecStart=(\S+)/armazem (.+)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        found[unit.name] = shlex.split(line[1])
    for folder in ("cloud-run", "kubernetes"):
        for one in documents(folder):
            for container in containers(one):
                if "args" in container:
                    found[f"{folder} {one['kind']} {one['metadata']['name']}"] = container["args"]
    for name, service in next(iter(documents("compose")))["services"].items():
        if "command" in service:
            found[f"compose {name}"] = service["command"]
    return found


def of_page(path: Path) -> list[list[str]]:
    """The arguments of armazem in the examples of a page. Those with `…` are shortened: only the command is there."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    spoken = re.findall(r"`(armazem [^`]+)`", text)
    found = []
    for line in [*lines, *spoken]:
        told = re.search(r"(?:^|[\s/])armazem ((?:[a-z-]+)(?: .*)?)$", line.split("  #")[0].split(" | ")[0].strip())
        # Not names of services and secrets: `systemctl enable armazem`, `create secret generic armazem`.
        if told and told.group(1).split()[0] in main.list_commands(click.Context(main)):
            words = shlex.split(told.group(1))
            found.append(words[: next((i for i, word in enumerate(words) if "…" in word), None)])
    return found


def refused(arguments: list[str], *, whole: bool = True) -> str:
    """What the command line says against these arguments; empty: it takes them. Nothing is run."""
    command: click.Command = main
    context = click.Context(main, info_name="armazem")
    rest = list(arguments)
    try:
        while isinstance(command, click.Group):
            name = rest.pop(0)
            found = command.get_command(context, name)
            if found is None:
                return f"there is no command {name}"
            command = found
        if whole:
            command.make_context(command.name, rest, parent=context).close()
    except click.UsageError as error:
        return error.format_message()
    return ""

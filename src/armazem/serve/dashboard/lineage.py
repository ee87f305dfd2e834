"""What a KPI is computed from, step by step, as the dbt project says: read from its files, without dbt."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2

from armazem.errors import BuildError
from armazem.warehouse.project import project_folder

_MACRO = re.compile(r"({%-?\s*macro\s+)")
_OWN = "of_project_"
LAYERS = ("kpis", "marts", "intermediate", "staging", "source")


@dataclass(frozen=True, slots=True)
class Node:
    """A model or a source table. `inputs`: names of what it reads, in the order in which it names them."""

    name: str
    layer: str
    inputs: tuple[str, ...] = ()


class _Anything(jinja2.ChainableUndefined):
    """What dbt knows and this does not: called, looped over or asked for a part, it is nothing at all."""

    def __call__(self, *_: object, **__: object) -> _Anything:  # type: ignore[override]
        return self


class _Returned(Exception):
    """`return` in a macro ends it, as in dbt."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Adapter:
    def __init__(self, macros: Mapping[str, Any]) -> None:
        self._macros = macros

    def dispatch(self, name: str, *_: object) -> Any:
        return self._macros.get(f"duckdb__{name}") or self._macros.get(f"default__{name}") or _Anything()


def _environment(folder: Path) -> jinja2.Environment:
    """Jinja with the macros of the project. Models are rendered, not searched for `ref`: macros have refs too."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=_Anything, autoescape=False)
    environment.globals |= {"return": _return, "adapter": _Adapter(environment.globals)}
    for path in sorted((folder / "macros").glob("**/*.sql")):
        with suppress(jinja2.TemplateSyntaxError):  # materializations and tests: of dbt's own tags, no part of a model
            # Under other names, as dbt does: a macro then finds those of its file as it finds all others.
            template = environment.from_string(_MACRO.sub(rf"\1{_OWN}", path.read_text(encoding="utf-8")))
            # Shared: it finds what becomes known later too.
            for name, macro in vars(template.make_module(environment.globals, shared=True)).items():
                if isinstance(macro, jinja2.runtime.Macro):
                    environment.globals[name.removeprefix(_OWN)] = _returning(macro)
    return environment


def _return(value: Any = None) -> None:
    raise _Returned(value)


def _returning(macro: Any) -> Any:
    def call(*args: Any, **named: Any) -> Any:
        try:
            return macro(*args, **named)
        except _Returned as returned:
            return returned.value

    return call


def _inputs(environment: jinja2.Environment, sql: str) -> tuple[str, ...]:
    found: dict[str, None] = {}

    def ref(*names: str) -> str:
        found[names[-1]] = None
        return names[-1]

    def source(schema: str, table: str) -> str:
        found[f"{schema}.{table}"] = None
        return f"{schema}.{table}"

    environment.globals |= {"ref": ref, "source": source}
    with suppress(_Returned):
        environment.from_string(sql).render()
    return tuple(found)


def read_nodes(folder: Path) -> dict[str, Node]:
    """All models of the project in this folder, by name, and the source tables that they read, as `schema.table`.

    Raises BuildError for a project that cannot be read.
    """
    found: dict[str, Node] = {}
    try:
        environment = _environment(folder)
        for path in sorted((folder / "models").glob("**/*.sql")):
            layer = path.relative_to(folder / "models").parts[0]
            found[path.stem] = Node(path.stem, layer, _inputs(environment, path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, jinja2.TemplateError, KeyError, TypeError) as error:
        raise BuildError(f"the dbt project cannot be read: {error}", "install armazem again") from error
    for name in {name for node in found.values() for name in node.inputs if "." in name}:
        found[name] = Node(name, "source")
    return found


@cache
def nodes() -> Mapping[str, Node]:
    """Those of the installed project."""
    return MappingProxyType(read_nodes(project_folder()))


def steps(name: str, known: Mapping[str, Node]) -> list[Node]:
    """The table and all that it is computed from, down to the sources: by layer, the nearest first.

    Raises KeyError for a table that is not known. An input that is not known is passed over.
    """
    distance = {name: 0}
    waiting = deque([known[name]])
    while waiting:
        node = waiting.popleft()
        for other in node.inputs:
            if other in known and other not in distance:
                distance[other] = distance[node.name] + 1
                waiting.append(known[other])
    rank = {layer: at for at, layer in enumerate(LAYERS)}
    found = [known[other] for other in distance]
    return sorted(found, key=lambda node: (rank.get(node.layer, len(LAYERS)), distance[node.name]))

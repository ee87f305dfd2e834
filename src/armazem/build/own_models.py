"""A user's own models: where they lie, the project that dbt is given with them, and what of them cannot be.

dbt follows no link to a folder below one that it searches, and their files may change while it reads: so their content
is read once, and written into a project in the home folder whose other parts are links to ours.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from armazem.build.kpi_meta import declared
from armazem.config import ConfigError, Settings
from armazem.contract.layers import OWN
from armazem.errors import BuildError
from armazem.targets.meta import META as META_TABLES

HINT = "correct it and build again; with ARMAZEM_MODELS=none a build leaves your models out"
_NONE = "none"
_DEFAULT = "models"
_PROJECT_FILE = "dbt_project.yml"
# Below it a folder of the name of the layer, which dbt makes the schema.
_SEARCHED = "own"
_INSIDE = f"{_SEARCHED}/{OWN}/"
_LINKED = ("models", "macros", "tests", "profiles.yml")
_ENDINGS = (".sql", ".yml", ".yaml")
# What every model of ours or of another dbt project says, and no other SQL.
_OF_DBT = re.compile(rb"\{\{.*?\b(ref|source)\s*\(", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_MATERIALIZED = ("table", "incremental", "ephemeral")
# On BigQuery all are built in one dataset, where these are armazem's, as all that begins with raw_.
_RESERVED = frozenset(
    (*META_TABLES, "build_log", "build_lock", "publishing", "new_loads", "read_loads", "load_ages", "build_window",
     "journal", "control")
)  # fmt: skip
# What holds only the rows that a build takes in, or changes without one: a table made of it would be wrong tomorrow.
_PASSING = ("raw", "control", "intermediate", "live", "audit_fact_sales")


@dataclass(frozen=True, slots=True)
class OwnModels:
    """The folder of the models, and the content of its SQL and YAML by path below it."""

    folder: Path
    files: tuple[tuple[str, bytes], ...]

    @property
    def digest(self) -> str:
        found = hashlib.sha256()
        for name, content in self.files:
            found.update(os.fsencode(name) + b"\0" + content + b"\0")
        return found.hexdigest()

    @property
    def notice(self) -> str:
        count = sum(name.endswith(".sql") for name, _ in self.files)
        return f"with {count} model{'s' * (count != 1)} of your own, in {_shown(self.folder)}"


def own_models_of(settings: Settings) -> OwnModels | None:
    """The own models of these settings; None where there is no SQL file.

    The default folder is not taken where a dbt project lies beside it, whose models they are, or where no SQL in it
    names another model. Raises ConfigError where the folder that is set is none, or cannot be read.
    """
    if settings.models == _NONE:
        return None
    folder = Path(settings.models).expanduser().absolute() if settings.models else _default(settings)
    if settings.models and not folder.is_dir():
        raise ConfigError(f"models: {folder} is not a folder", "create it, or name another one with ARMAZEM_MODELS")
    if not settings.models and (not folder.is_dir() or (folder.parent / _PROJECT_FILE).exists()):
        return None
    try:
        files = tuple((path.relative_to(folder).as_posix(), path.read_bytes()) for path in _paths(folder))
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror}"
        raise ConfigError(f"models: {reason}", "ARMAZEM_MODELS=none leaves your models out") from error
    sql = [content for name, content in files if name.endswith(".sql")]
    if not sql or (not settings.models and not any(map(_OF_DBT.search, sql))):
        return None
    return OwnModels(folder, files)


def _default(settings: Settings) -> Path:
    return settings.home_folder.root.parent / _DEFAULT


def _paths(folder: Path) -> Iterator[Path]:
    def give_up(error: OSError) -> None:
        raise error  # a folder that is passed over would take its tables away

    for place, folders, names in os.walk(folder, onerror=give_up):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if name.endswith(_ENDINGS) and name[0] != ".")


def lay_out(project: Path, ours: Path, own: OwnModels) -> None:
    """Make `project` a dbt project of ours and these models, whatever it was."""
    project.mkdir(parents=True, exist_ok=True)
    for name in _LINKED:
        link = project / name
        if link.is_dir() and not link.is_symlink():  # a copy of the home folder may have followed it
            shutil.rmtree(link)
        if not link.is_symlink() or link.readlink() != ours / name:
            temporary = project / f".{name}.part"
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(ours / name)
            os.replace(temporary, link)
    (project / _PROJECT_FILE).write_text(_project_file(ours / _PROJECT_FILE), encoding="utf-8")
    if (project / _SEARCHED).exists():
        shutil.rmtree(project / _SEARCHED)
    for name, content in own.files:
        path = project / _INSIDE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _project_file(ours: Path) -> str:
    """Ours, with one more folder of models; what they say of columns that are not there is an error."""
    project = yaml.safe_load(ours.read_text(encoding="utf-8"))
    project["model-paths"] = [*project["model-paths"], _SEARCHED]
    project["models"]["armazem"][OWN] = {"+post-hook": "{{ check_named_columns() }}"}
    # YAML of a model that is not there would be passed over, with its tests; all of them may be switched off.
    errors = project["flags"]["warn_error_options"]["error"]
    errors[:] = [*(name for name in errors if name != "UnusedResourceConfigPath"), "NoNodeForYamlKey"]
    return yaml.safe_dump(project, sort_keys=False)


def check(manifest: Any, own: OwnModels) -> None:
    """Raise BuildError where some of these models could not be published, or read as what they say they are."""
    models = [node for node in manifest.nodes.values() if str(node.resource_type) == "model"]
    theirs = sorted((node for node in models if node.original_file_path.startswith(_INSIDE)), key=lambda n: n.name)
    short = {node.name.removeprefix("agg_"): node.name for node in models if node not in theirs}
    layers = {node.name: node.fqn[1] for node in models}
    problems, names = [], Counter(node.name.lower() for node in theirs)
    for node in theirs:
        if names[node.name.lower()] > 1:
            problems.append(f"{in_words(node.original_file_path, own)}: another one has its name, in other letter case")
        if problem := _problem(node, short, layers):
            problems.append(f"{in_words(node.original_file_path, own)}: {problem}")
        try:
            declared(node.name, None, (node.config.meta or {}).get("kpi") or {})
        except BuildError as error:
            said_in = (node.patch_path or "").rpartition("://")[2] or node.original_file_path
            problems.append(f"{in_words(said_in, own)}: {error}")
    if problems:
        raise BuildError("; ".join(problems), HINT)


def _problem(node: Any, ours: Mapping[str, str], layers: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(node.name):
        return f"{node.name!r} cannot be the name of a table: letters without accents, digits and _ can"
    if node.name in ours:
        return f"{node.name} is what commands and the API call {ours[node.name]}; name it otherwise"
    if node.name.lower() in _RESERVED or node.name.lower().startswith("raw_"):
        return f"{node.name} is the name of a table that armazem works with; name it otherwise"
    for setting in ("schema", "alias", "database"):
        if getattr(node.config, setting):
            return f"its config has {setting}; own models are tables of schema {OWN} with the names of their files"
    if node.config.materialized not in _MATERIALIZED:
        return f"materialized is {node.config.materialized!r}, and can be {', '.join(_MATERIALIZED)}"
    if node.config.materialized != "incremental":
        parents = (key.split(".") for key in node.depends_on.nodes)
        for passing in sorted(parts[-1] for parts in parents if _passes(parts, layers)):
            return f"it reads {passing}, which has only what a build takes in; read staging, marts or kpis"
    return ""


def _passes(parts: list[str], layers: Mapping[str, str]) -> bool:
    """Of the id of a source, `source.project.schema.table`, or of a model, `model.project.name`."""
    return not {parts[-1], parts[-2] if parts[0] == "source" else layers.get(parts[-1])}.isdisjoint(_PASSING)


def in_words(text: str, own: OwnModels) -> str:
    """A message of dbt with the names that the files have in the user's folder."""
    folder = _shown(own.folder)
    names = "|".join(re.escape(name) for name, _ in own.files)
    return re.sub(rf"(?<![\w/]){_SEARCHED}/(?:{OWN}/)?({names})", lambda found: f"{folder}/{found[1]}", text)


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) and folder != here else folder)

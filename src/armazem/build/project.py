"""The dbt project: where it lies, what its code is, and what dbt has parsed of it.

Run as a program it parses the project for all home folders, so that none of them has to:
`python -m armazem.build.project`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from armazem.build import own_models
from armazem.build.own_models import OwnModels, own_models_of
from armazem.config import Settings
from armazem.errors import BuildError
from armazem.targets.base import DbtProfile
from armazem.targets.duckdb.versions import WORK_FILE

_PARSED = "partial_parse.msgpack"  # as dbt names it
_SEAL = "parsed.sha256"


@cache
def project_folder() -> Path:
    """Our dbt project: inside the installed package, or beside `src` in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_dbt", package.parents[1] / "dbt"):
        if (folder / "dbt_project.yml").is_file():
            return folder
    raise BuildError("the dbt project is missing from this installation", "install armazem again")


def shipped() -> Path:
    """Where the project lies parsed for DuckDB, if it does: in a checkout after `make test`, in a wheel made there."""
    return project_folder() / "parsed"


def fingerprint(folder: Path, *more: str) -> str:
    """SHA-256 of all models, macros and tests, and more: a build with other code starts from nothing."""
    digest = hashlib.sha256("\0".join(more).encode())
    files = [path for part in ("models", "macros", "tests") for path in (folder / part).rglob("*.*")]
    for path in [folder / "dbt_project.yml", *sorted(files)]:
        if not path.stem.endswith("_unit_tests"):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Project:
    """What dbt is given: our project, or one in `folder` with ours and a user's own models in it.

    It is there once `lay_out` was called.
    """

    folder: Path
    own: OwnModels | None = None

    def fingerprint(self, *more: str) -> str:
        """Of ours and theirs."""
        return fingerprint(project_folder(), *((self.own.digest,) if self.own else ()), *more)

    def lay_out(self) -> None:
        if self.own:
            own_models.lay_out(self.folder, project_folder(), self.own)

    def in_words(self, text: str) -> str:
        """A message of dbt with the user's files under the names that the user knows."""
        return own_models.in_words(text, self.own) if self.own else text


def project_of(settings: Settings, state: Path) -> Project:
    """The project of these settings; one with own models lies in `state`. Raises ConfigError."""
    own = own_models_of(settings)
    return Project(state / "project", own) if own else Project(project_folder())


def dbt_options(project: Project, profile: DbtProfile, logs: Path) -> list[str]:
    """What every command of dbt is given: the project, where its artifacts and logs go, and no output."""
    folder = str(project.folder)
    options = ["--project-dir", folder, "--profiles-dir", folder, "--target", profile.name]
    options += ["--target-path", str(profile.state), "--log-path", str(logs)]
    return [*options, "--log-level", "none", "--log-level-file", "none", "--no-print", "--no-version-check"]


class ParsedProject:
    """The manifest of the project, which dbt takes seconds to parse: as it lies in the profile's state or came with
    the package, for as long as the code is the same.

    dbt can tell by itself that nothing changed, but takes 0.2 s longer, for a look at every file. A hash over the
    project, the packages whose macros are in it, and what else a manifest names, such as datasets, stands for all it
    depends on.
    """

    def __init__(self, project: Project, profile: DbtProfile, logs: Path) -> None:
        self.project = project
        self._profile = profile
        self._state = profile.state
        self._logs = logs
        text = (project_folder() / "profiles.yml").read_text(encoding="utf-8")
        packages = (f"{name} {version(name)}" for name in ("dbt-core", "dbt-adapters", f"dbt-{profile.name}"))
        self._code = "\0".join((project.fingerprint(), text, *packages, profile.name, profile.where))

    def manifest(self) -> Any:
        """The manifest. Raises BuildError where dbt cannot parse the project."""
        from dbt.contracts.graph.manifest import Manifest

        self.project.lay_out()
        for folder in (self._state, *(() if self.project.own else (shipped(),))):
            if parsed := self._read(folder):
                return Manifest.from_msgpack(parsed)
        return self.parse()

    def parse(self) -> Any:
        """Parse it now, whatever there is; in the environment that the profile reads."""
        from dbt.cli.main import dbtRunner

        (self._state / _SEAL).unlink(missing_ok=True)
        options = dbt_options(self.project, self._profile, self._logs)
        outcome = dbtRunner().invoke(["parse", *options, "--no-partial-parse"])
        if outcome.result is None:
            raise not_run(outcome.exception, self.project)
        if self.project.own:
            own_models.check(outcome.result, self.project.own)
        parsed = (self._state / _PARSED).read_bytes()
        (self._state / _SEAL).write_text(self._sealed(parsed), encoding="ascii")
        return outcome.result

    def is_current(self) -> bool:
        """Whether it lies in `state` as it is now."""
        return self._read(self._state) is not None

    def _read(self, folder: Path) -> bytes | None:
        try:
            parsed = (folder / _PARSED).read_bytes()
            return parsed if (folder / _SEAL).read_text(encoding="ascii") == self._sealed(parsed) else None
        except FileNotFoundError:
            return None

    def _sealed(self, parsed: bytes) -> str:
        return hashlib.sha256(f"{self._code}\0".encode() + parsed).hexdigest()


def not_run(error: BaseException | None, project: Project) -> BaseException:
    """What to raise where dbt did not get as far as a result."""
    if isinstance(error, KeyboardInterrupt | OSError):
        return error
    lines = [line.strip() for line in str(error or "no reason given").splitlines() if line.strip()]
    if project.own and (said := project.in_words(" ".join(lines))) != " ".join(lines):
        return BuildError(f"your models cannot be read: {said}", own_models.HINT)
    if cause := re.search(r'database has been invalidated.*Original error: "(.*?)"', " ".join(lines)):
        return BuildError(
            f"DuckDB failed by itself: {cause[1]}",
            "run the build again: it begins anew, and readers keep what they have",
        )
    return BuildError(f"dbt did not run: {' '.join(lines[:3])}", "its log is in the home folder")


def parse_for_all(out: Path) -> bool:
    """Parse the project for DuckDB into the folder `out`; False where it lies there already."""
    with tempfile.TemporaryDirectory(prefix="armazem-") as folder:
        state = Path(folder)
        os.environ |= {"ARMAZEM_DBT_DUCKDB_PATH": str(state / WORK_FILE), "DO_NOT_TRACK": "1"}
        ours, profile = Project(project_folder()), DbtProfile("duckdb", state, 1, {})
        if ParsedProject(ours, replace(profile, state=out), state).is_current():
            return False
        ParsedProject(ours, profile, state).parse()
        out.mkdir(parents=True, exist_ok=True)
        for name in (_PARSED, _SEAL):  # the seal last: it does not hold for another file
            shutil.copyfile(state / name, out / f".{name}.part")
            os.replace(out / f".{name}.part", out / name)
    return True


if __name__ == "__main__":
    parse_for_all(shipped())

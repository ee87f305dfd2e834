"""The home folder: where everything that Armazém keeps lies, and which version of the layout it has."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from armazem.errors import HomeError

LAYOUT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below the home folder. Files are the interface between processes, so these are its API.

    landing/loads/<load id>/   <table>.parquet and ledger.json, complete by one rename
    rejects/<load id>/         <table>.jsonl
    journal/date=<UTC day>/    <number of its first event>.jsonl or .parquet: accepted events, one writer
    dead-letters/              refused messages
    models/delivery/           a trained model of deliveries, and its card
    lake/                      catalog.db and warehouse/ of the Iceberg tables, where the settings name no others
    builds/<build id>.duckdb   one published version each; `current` links to the newest
    """

    root: Path

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def loads(self) -> Path:
        return self.landing / "loads"

    @property
    def rejects(self) -> Path:
        return self.root / "rejects"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def dead_letters(self) -> Path:
        return self.root / "dead-letters"

    @property
    def builds(self) -> Path:
        return self.root / "builds"

    @property
    def delivery_model(self) -> Path:
        return self.root / "models" / "delivery"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def current(self) -> Path:
        return self.root / "current"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def open(self, *, create: bool = True) -> Home:
        """Check that the folder can be used, and create it where it does not exist.

        Raises HomeError where it is missing (`create=False`), cannot be written, is something else,
        or has the layout of a newer version.
        """
        version_file = self.root / "VERSION"
        try:
            if not self.root.is_dir():
                if self.root.exists():
                    raise HomeError(f"{self.root} is not a folder", "set ARMAZEM_HOME to another one")
                if not create:
                    raise HomeError(f"there is no home folder at {self.root}", "load data first, or set ARMAZEM_HOME")
                self.root.mkdir(parents=True)
            if version_file.exists():
                self._check_version(version_file)
            elif create:
                _write_version(version_file)
            if create:
                for folder in (self.loads, self.rejects, self.journal, self.dead_letters, self.builds, self.logs):
                    folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(
                f"cannot use the home folder {self.root}: {error.strerror or error}",
                "check its permissions and the free space, or set ARMAZEM_HOME to another folder",
            ) from error
        return self

    def _check_version(self, version_file: Path) -> None:
        try:
            found = json.loads(version_file.read_text(encoding="utf-8"))["layout"]
        except (json.JSONDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise HomeError(
                f"{version_file} cannot be read as a version", "is this the home folder of armazem?"
            ) from error
        if not isinstance(found, int) or found > LAYOUT_VERSION:
            raise HomeError(
                f"the home folder {self.root} has layout {found}, this armazem knows up to {LAYOUT_VERSION}",
                "upgrade armazem, or set ARMAZEM_HOME to another folder",
            )


def _write_version(version_file: Path) -> None:
    # Written aside and renamed: a reader never sees half a version.
    temporary = version_file.with_name(f"VERSION.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"layout": LAYOUT_VERSION}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, version_file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()

"""A folder with an export: which one may be replaced, what it says of itself, and how it comes into its place."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from armazem import interrupts
from armazem.disk.durable import sync_file, sync_path
from armazem.errors import ExportError
from armazem.export.place import check_folder_of, written_aside

BUILD_FILE = "build.json"
_COMPILED = "__pycache__"  # Python's own, of the modules in an export, wherever they are imported


@contextmanager
def written_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A new folder to write into, which is put in place at the end of the block; `force`: of an earlier export.

    Raises ExportError where it cannot be; then what was there stays.
    """
    check_folder_of(out)
    _check_place(out, force)
    with written_aside(out) as aside:
        new = aside / "new"
        new.mkdir()
        yield new
        for folder in {path for path in new.rglob("*") if path.is_dir()} | {new}:
            sync_path(folder)
        _put_in_place(new, out, aside / "old")


def write_build_file(new: Path, build_id: str, published_at: datetime, told: dict[str, Any]) -> None:
    """Write what an export is of. `told`: its `tables`, each with its `file`; further `files`; and what else is known.

    Nothing but those files may lie in an export that is replaced. `published_at`: with its zone.
    """
    content = {"build_id": build_id, "published_at": moment(published_at), "exported_at": moment(datetime.now(UTC))}
    with (new / BUILD_FILE).open("w", encoding="utf-8") as file:
        json.dump(content | told, file, indent=2)
        file.write("\n")
        sync_file(file)


def moment(time: datetime) -> str:
    """Return a time with a zone as text, in UTC, to the second."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _check_place(out: Path, force: bool) -> None:
    """What is replaced is deleted: so only an earlier export may be, and nothing else that lies with it."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file", "name a folder that does not exist yet")
    foreign = _foreign_files(out)
    if foreign:
        raise ExportError(
            f"{out} holds files that no export wrote, such as {foreign[0].relative_to(out)}",
            "name a folder that does not exist yet",
        )
    if not force:
        raise ExportError(f"{out} holds an export already", "--force replaces it")


def _foreign_files(out: Path) -> list[Path]:
    found = sorted(path for path in out.rglob("*") if path.is_symlink() or not path.is_dir())
    try:
        listed = json.loads((out / BUILD_FILE).read_text(encoding="utf-8"))
        known = {BUILD_FILE, *(table["file"] for table in listed["tables"]), *listed.get("files", ())}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return found
    return [path for path in found if str(path.relative_to(out)) not in known and not _is_compiled(path, known, out)]


def _is_compiled(path: Path, known: set[str], out: Path) -> bool:
    source = path.parent.parent / f"{path.name.partition('.')[0]}.py"
    if path.parent.name != _COMPILED or path.suffix != ".pyc" or not source.is_relative_to(out):
        return False
    return str(source.relative_to(out)) in known


def _put_in_place(new: Path, out: Path, old: Path) -> None:
    try:
        os.replace(new, out)  # where nothing is, or an empty folder
    except OSError:
        if not out.is_dir():
            raise
        with interrupts.held():
            os.replace(out, old)
            try:
                os.replace(new, out)
            except OSError:
                os.replace(old, out)
                raise
    sync_path(out.parent)

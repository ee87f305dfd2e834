"""Where an export is put: written aside, in the folder of its place, and renamed when it is whole."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from armazem.disk.causes import cause_of
from armazem.errors import ExportError


def check_folder_of(out: Path) -> None:
    """Raises ExportError where the folder that `out` is to lie in does not exist."""
    if not out.parent.is_dir():
        raise ExportError(f"there is no folder {out.parent}", "make it first, or name another one")


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A folder beside `out`, to write in and to rename from. Whatever is left in it at the end is deleted.

    An export that was killed leaves its folder; the next export to the same place deletes it.
    Raises ExportError where the system refuses to write: disk full, no permission.
    """
    prefix = f".{out.name}.part-"
    try:
        for left in out.parent.glob(f"{glob.escape(prefix)}[0-9]*"):
            if not _is_running(left.name.removeprefix(prefix)):
                shutil.rmtree(left, ignore_errors=True)
        aside = out.parent / f"{prefix}{os.getpid()}"
        aside.mkdir()
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        cause = cause_of(error, out)
        raise ExportError(f"cannot write {out}: {cause.reason}", cause.hint) from error


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass
    return True

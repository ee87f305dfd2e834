"""Bringing files and folders to the disk, so that what was reported as done survives a power cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO, Any


def sync_file(file: IO[Any]) -> None:
    """Flush an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Flush a closed file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(aside: Path, target: Path) -> None:
    """Flush a file that was written aside, and rename it: readers find the old one or the new one, whole."""
    sync_path(aside)
    os.replace(aside, target)
    sync_path(target.parent)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file, on the disk. Raises OSError, and then the old one stands."""
    aside = path.with_name(f"{path.name}.tmp")
    try:
        aside.write_bytes(content)
        put_in_place(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise

"""A disk of its own that is small enough to be filled: a real one, so that the errors are the kernel's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(where: Path, *arguments: str | Path) -> Iterator[Path]:
    """What `mount ARGUMENTS WHERE` puts there, for a while. Skips the test where that is not permitted."""
    where.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *arguments, where], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", where], check=True)


@contextmanager
def small_disk(where: Path, size: str) -> Iterator[Path]:
    """A disk of this size, such as `4m`."""
    with mounted(where, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield where


def remount(disk: Path, option: str) -> None:
    """With another option: `size=16m` or `ro`."""
    subprocess.run(["mount", "-o", f"remount,{option}", disk], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Take all the space but so many bytes, in whole blocks; the file to remove when there is to be space again."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        free = os.statvfs(disk)
        if size := (free.f_bavail - -(-leave // free.f_bsize)) * free.f_bsize:
            os.posix_fallocate(file.fileno(), 0, size)
    return ballast

"""Archives and compressed files: zip, tar (also compressed) and gzip, unpacked member by member."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from armazem.errors import SourceError

_COPY_BYTES = 1 << 20
_ENCRYPTED = 0x1
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
ARCHIVES = (".zip", *_TAR)
"""How the name of an archive ends, in lower case."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. `name`: with `/` between folders; `shown`: as the archive has it."""

    name: str
    shown: str
    copy_to: Callable[[Path], None]


def is_archive(path: Path) -> bool:
    """Return whether this is an archive by its name."""
    return path.name.lower().endswith(ARCHIVES)


def members(path: Path) -> Iterator[Member]:
    """Yield the files in an archive, to be copied before the next one is taken. Raises SourceError where it is
    damaged.
    """
    with _damage(path, path.name):
        yield from (_in_tar(path) if path.name.lower().endswith(_TAR) else _in_zip(path))


def _in_zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield Member(member.filename.replace("\\", "/"), member.filename, _from_zip(path, archive, member))


def _from_zip(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        if member.flag_bits & _ENCRYPTED:
            raise SourceError(f"{path} is encrypted", "unpack it with its password and load the folder")
        with _damage(path, path.name), archive.open(member) as source:
            _copy(source, target)

    return copy


def _in_tar(path: Path) -> Iterator[Member]:
    with tarfile.open(path, "r:*") as archive:
        for member in archive:
            source = archive.extractfile(member) if member.isreg() else None
            if source is not None:
                yield Member(member.name, member.name, _from_tar(path, source))


def _from_tar(path: Path, source: IO[bytes]) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        with _damage(path, path.name), source:
            _copy(source, target)

    return copy


def unzipped(path: Path, name: str, target: Path) -> Path:
    """Unpack a gzip file to `target`. `name` is for messages. Raises SourceError where it is none, or damaged."""
    with _damage(path, name), gzip.open(path) as source:
        _copy(source, target)
    return target


class _Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


def _copy(source: _Readable, target: Path) -> None:
    with target.open("wb") as copy:
        shutil.copyfileobj(source, copy, _COPY_BYTES)


@contextmanager
def _damage(path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except gzip.BadGzipFile as error:
        raise SourceError(
            f"{name} is damaged: {error}", "download or copy it again; is it compressed at all?"
        ) from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        reason = str(error).partition("\n")[0]  # tarfile lists every way it tried
        raise SourceError(f"{path} is damaged: {reason}", "download or copy it again") from error
    except NotImplementedError as error:
        raise SourceError(f"{path} cannot be unpacked: {error}", "unpack it and load the folder") from error

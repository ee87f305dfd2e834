"""Resolves the path given to `load` to the source files of the contract: a folder, a .zip or one .csv file."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from armazem.contract import TABLES, Table
from armazem.errors import SourceError

_COPY_BYTES = 1 << 20
_ENCRYPTED = 0x1
# Lower-case file name to table: the name Olist gave the file, or the name of the table.
_BY_NAME: dict[str, Table] = {name.lower(): t for t in TABLES for name in (f"{t.name}.csv", t.file)}

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One CSV file of the contract. `name` is for people: `olist.zip!olist_orders_dataset.csv`."""

    table: Table
    path: Path
    name: str


def find_files(path: Path, workdir: Path, *, partial: bool = False, warn: Warn | None = None) -> list[SourceFile]:
    """The source files at `path`, in the order of the contract.

    A folder or a zip holds files named as Olist's or `<table>.csv`, in any case; a zip may hold them in a
    sub-folder and is extracted to `workdir`. The name of a single .csv file decides its table. `warn` is
    called about other .csv files and missing optional ones.

    Raises SourceError where the path cannot be used, a table has two files, or a required table has none
    (not with `partial`, nor for a single file).
    """
    warn = warn or (lambda message: None)
    if str(path).startswith(("gs:/", "s3:/", "http:/", "https:/")):
        raise SourceError(f"{path} is no place to load from", "name a folder, a .zip, a .csv file or a gs:// path")
    try:
        if path.is_dir():
            found = _in_folder(path, warn)
        elif not path.exists():
            raise SourceError(f"{path} does not exist", "name a folder, a .zip or a .csv file")
        elif path.suffix.lower() == ".zip":
            found = _in_zip(path, workdir, warn)
        else:
            return [_single(path)]
    except PermissionError as error:
        raise SourceError(
            f"{error.filename or path} cannot be read: permission denied",
            "allow reading it, or run as a user who may",
        ) from error
    files = _one_per_table(found)
    _check_complete(path, files, partial, warn)
    return files


def _single(path: Path) -> SourceFile:
    table = _BY_NAME.get(path.name.lower())
    if table is None:
        raise SourceError(
            f"{path.name} is not the name of a source file",
            f"rename it to the table it holds: {', '.join(f'{t.name}.csv' for t in TABLES)}",
        )
    return SourceFile(table, path, path.name)


def _in_folder(folder: Path, warn: Warn) -> list[SourceFile]:
    found = []
    for entry in sorted(folder.iterdir()):
        table = _BY_NAME.get(entry.name.lower())
        if table is not None and entry.is_file():
            found.append(SourceFile(table, entry, entry.name))
        elif entry.suffix.lower() == ".csv":
            warn(f"{entry.name} is not a file of the contract: ignored")
    return found


def _in_zip(path: Path, workdir: Path, warn: Warn) -> list[SourceFile]:
    found: list[SourceFile] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = PurePosixPath(member.filename.replace("\\", "/"))
                hidden = name.name.startswith("._") or "__MACOSX" in name.parts
                if member.is_dir() or hidden or name.suffix.lower() != ".csv":
                    continue
                table = _BY_NAME.get(name.name.lower())
                if table is None:
                    warn(f"{path.name}!{name} is not a file of the contract: ignored")
                    continue
                found.append(_extracted(archive, member, table, path, workdir, len(found)))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"{path} is damaged: {error}", "download or copy it again") from error
    except NotImplementedError as error:
        raise SourceError(f"{path} cannot be unpacked: {error}", "unpack it and load the folder") from error
    return found


def _extracted(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, table: Table, path: Path, workdir: Path, number: int
) -> SourceFile:
    if member.flag_bits & _ENCRYPTED:
        raise SourceError(f"{path} is encrypted", "unpack it with its password and load the folder")
    # Named by the contract, not by the member: no name in an archive decides where a file is written.
    target = workdir / f"{number}-{table.name}.csv"
    with archive.open(member) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, _COPY_BYTES)
    return SourceFile(table, target, f"{path.name}!{member.filename}")


def _one_per_table(found: Iterable[SourceFile]) -> list[SourceFile]:
    by_table: dict[str, SourceFile] = {}
    for file in found:
        other = by_table.setdefault(file.table.name, file)
        if other is not file:
            raise SourceError(f"two files for {file.table.name}: {other.name} and {file.name}", "keep one of them")
    return [by_table[t.name] for t in TABLES if t.name in by_table]


def _check_complete(path: Path, files: list[SourceFile], partial: bool, warn: Warn) -> None:
    here = {file.table.name for file in files}
    missing = [t for t in TABLES if t.name not in here]
    required = [t.file for t in missing if not t.optional]
    if not files:
        raise SourceError(f"{path} holds no source file", f"expected are {', '.join(t.file for t in TABLES)}")
    if partial:
        return
    if required:
        raise SourceError(
            f"{path} lacks {', '.join(required)}", "add the files, or use --partial to load what is there"
        )
    for table in missing:
        warn(f"there is no {table.file}: {table.name} is left as it is")

"""Resolves the path given to `load` to the source files of the contract: a folder, an archive or one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from armazem.contract import TABLES, Table
from armazem.contract.file_names import COMPRESSED, Kind, kind_of, table_of
from armazem.errors import SourceError
from armazem.sources.archives import is_archive, members, unzipped
from armazem.sources.foreign import Foreign, foreign_by_content, foreign_by_name

# How deep a folder is searched that holds no source file itself.
_DEPTH = 5
_HIDDEN = (".", "__MACOSX", "Thumbs.db")

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the contract, unpacked. `name` is for people: `olist.zip!olist_orders_dataset.csv`."""

    table: Table
    path: Path
    name: str
    kind: Kind = "csv"


def find_files(path: Path, workdir: Path, *, partial: bool = False, warn: Warn | None = None) -> list[SourceFile]:
    """Return the source files at `path`, in the order of the contract.

    A folder, a zip or a tar archive holds files named as `contract.file_names` has it; in an archive they may be in
    sub-folders, and a folder without any is searched further down. What is compressed is unpacked to `workdir`. The
    name of a single file decides its table. `warn` is called about other files of data and missing optional ones.

    Raises SourceError where the path cannot be used, a table has two files, or a required table has none
    (not with `partial`, nor for a single file).
    """
    warn = warn or (lambda message: None)
    if str(path).startswith(("gs:/", "s3:/", "http:/", "https:/")):
        raise SourceError(f"{path} is no place to load from", "name a folder, an archive, a file or a gs:// path")
    try:
        if path.is_dir():
            found = _in_folder(path, workdir, warn)
        elif not path.exists():
            raise SourceError(f"{path} does not exist", "name a folder, a .zip or a .csv file")
        elif is_archive(path):
            found = _in_archive(path, workdir, warn)
        else:
            return [_single(path, workdir)]
    except PermissionError as error:
        raise SourceError(
            f"{error.filename or path} cannot be read: permission denied",
            "allow reading it, or run as a user who may",
        ) from error
    files = _one_per_table(found)
    _check_complete(path, files, partial, warn)
    return files


def not_a_source_file(name: str) -> SourceError:
    """Return the error for a single file whose name is that of no table."""
    return SourceError(
        f"{name} is not the name of a source file",
        f"rename it to the table it holds: {', '.join(f'{t.name}.csv' for t in TABLES)}",
    )


def _single(path: Path, workdir: Path) -> SourceFile:
    table, foreign = table_of(path.name), foreign_by_name(path.name)
    if table is None:
        foreign = foreign or foreign_by_content(path)
        raise _refused(path.name, foreign) if foreign else not_a_source_file(path.name)
    return _opened(table, path, path.name, workdir, 0)


def _refused(name: str, foreign: Foreign) -> SourceError:
    return SourceError(f"{name} is {foreign.what}", foreign.hint)


def _opened(table: Table, path: Path, name: str, workdir: Path, number: int) -> SourceFile:
    """The file, unpacked if it is compressed."""
    kind = kind_of(path.name)
    if kind is None:  # the name has a table, so it has a kind
        raise not_a_source_file(name)
    if path.name.lower().endswith(COMPRESSED):
        path = unzipped(path, name, workdir / f"{number}-{table.name}.{kind}")
    return SourceFile(table, path, name, kind)


def _in_folder(folder: Path, workdir: Path, warn: Warn) -> list[SourceFile]:
    """The files in the folder itself; where there are none, those in the folders below."""
    known, others = _listed(folder)
    if not known:
        for place, folders, _ in os.walk(folder):
            deep = len(Path(place).relative_to(folder).parts) >= _DEPTH
            folders[:] = [] if deep else sorted(name for name in folders if not name.startswith(_HIDDEN))
            if Path(place) != folder:
                more, unknown = _listed(Path(place))
                known += more
                others += unknown
    for entry in others:
        name = entry.relative_to(folder)
        foreign = foreign_by_name(entry.name)
        if foreign is not None and not known:
            raise _refused(str(entry), foreign)
        warn(f"{name} is {foreign.what if foreign else 'not a file of the contract'}: ignored")
    # Two for one table are refused before either is unpacked.
    _one_per_table(SourceFile(table, entry, str(entry.relative_to(folder))) for table, entry in known)
    return [
        _opened(table, entry, str(entry.relative_to(folder)), workdir, number)
        for number, (table, entry) in enumerate(known)
    ]


def _listed(folder: Path) -> tuple[list[tuple[Table, Path]], list[Path]]:
    """The files of the contract in a folder, and those that look like data but are not."""
    known: list[tuple[Table, Path]] = []
    others: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(_HIDDEN) or not entry.is_file():
            continue
        table = table_of(entry.name)
        if table is not None:
            known.append((table, entry))
        elif kind_of(entry.name) is not None or foreign_by_name(entry.name) is not None:
            others.append(entry)
    return known, others


def _in_archive(path: Path, workdir: Path, warn: Warn) -> list[SourceFile]:
    found: list[SourceFile] = []
    for member in members(path):
        name = member.name.rpartition("/")[2]
        shown = f"{path.name}!{member.shown}"
        table, kind = table_of(name), kind_of(name)
        if any(part.startswith("._") or part == "__MACOSX" for part in member.name.split("/")):
            continue
        if table is None or kind is None:
            foreign = foreign_by_name(name)
            if kind is not None or foreign is not None:
                warn(
                    f"{path.name}!{member.name} is {foreign.what if foreign else 'not a file of the contract'}: ignored"
                )
            continue
        # Named by the contract, not by the member: no name in an archive decides where a file is written.
        number = len(found)
        packed = name.lower().endswith(COMPRESSED)
        target = workdir / f"{number}-{table.name}.{kind}{'.packed' if packed else ''}"
        member.copy_to(target)
        if packed:
            target = unzipped(target, shown, workdir / f"{number}-{table.name}.{kind}")
        found.append(SourceFile(table, target, shown, kind))
    return found


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

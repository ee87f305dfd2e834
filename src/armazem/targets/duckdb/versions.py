"""The published versions of the warehouse: which there are, which is current, how that changes.

A version is one DuckDB file that nobody writes to any more. `current` is a symbolic link to one of them,
and a change of version is one rename of that link: a reader sees the old version or the new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from armazem.disk.durable import sync_path, write_whole
from armazem.errors import HomeError
from armazem.home import Home
from armazem.targets.records import BuildRecord

SUFFIX = ".duckdb"
FAILED_FILE = "failed.duckdb"
WORK_FILE = "building.duckdb"
"""What a build works on. dbt takes the name of the database from it, which every parsed node holds."""
_WAITING = ".waiting.duckdb"
_FAILURES = "failures"


def version_file(home: Home, build_id: str) -> Path:
    """Where the version of this build lies."""
    return home.builds / f"{build_id}{SUFFIX}"


def waiting_file(home: Home, build_id: str) -> Path:
    """Where a version lies that passed its audit and was not published yet."""
    return home.builds / f"{build_id}{_WAITING}"


def waiting_builds(home: Home) -> list[str]:
    """Ids of the versions that wait to be published, oldest first."""
    return sorted(path.name.removesuffix(_WAITING) for path in home.builds.glob(f"[0-9]*T*Z{_WAITING}"))


def published_builds(home: Home) -> list[str]:
    """Ids of the versions that are kept, oldest first."""
    if not home.builds.is_dir():
        return []
    return sorted(path.stem for path in home.builds.glob(f"[0-9]*T*Z{SUFFIX}"))


def current_build(home: Home) -> str | None:
    """Id of the version that readers get; None before the first build."""
    try:
        target = Path(os.readlink(home.current))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HomeError(
            f"{home.current} is no link to a version: {error.strerror}",
            "restore it with `armazem rollback BUILD_ID`",
        ) from error
    return target.stem


def make_current(home: Home, build_id: str) -> None:
    """Make readers get this version, atomically. Raises HomeError where it is not kept."""
    if build_id not in published_builds(home):
        raise HomeError(f"there is no version {build_id}", "`armazem builds` lists the ones that can be restored")
    temporary = home.root / f".current.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path("builds") / f"{build_id}{SUFFIX}")
    os.replace(temporary, home.current)
    sync_path(home.root)


def previous_build(home: Home) -> str:
    """The newest kept version older than the current one. Raises HomeError where there is none."""
    current = current_build(home)
    if current is None:
        raise HomeError("nothing is published yet", "run `armazem build`")
    older = [build for build in published_builds(home) if build < current]
    if not older:
        raise HomeError(f"no version older than {current} is kept", "`armazem builds` lists them")
    return older[-1]


def show(home: Home, build_id: str) -> None:
    """Make readers get a version that waits. It goes on waiting until they do, so that a next try finds it."""
    waiting, version = waiting_file(home, build_id), version_file(home, build_id)
    if waiting.exists():  # else it was shown before
        version.unlink(missing_ok=True)
        try:
            os.link(waiting, version)
        except OSError:  # a disk without links, or a file of another user, which may not be linked
            os.replace(waiting, version)
        sync_path(home.builds)
    make_current(home, build_id)
    waiting.unlink(missing_ok=True)


def drop_waiting(home: Home, keep: int = 0) -> None:
    """Delete all but the newest `keep` versions that wait."""
    for build_id in waiting_builds(home)[: -keep or None]:
        waiting_file(home, build_id).unlink(missing_ok=True)


def prune(home: Home, keep: int) -> list[str]:
    """Delete all but the newest `keep` versions, never the current one; their ids.

    A reader that has a deleted version open keeps it: the file goes when it closes.
    """
    current = current_build(home)
    old = [build for build in published_builds(home)[:-keep] if build != current]
    for build_id in old:
        version_file(home, build_id).unlink(missing_ok=True)
    return old


def write_record(home: Home, record: BuildRecord, failures: Sequence[str] = ()) -> None:
    """Keep the record of a build beside the versions, of a failed one too, with why it failed in words."""
    path = home.builds / f"{record.build_id}.json"
    values = asdict(record) | ({_FAILURES: list(failures)} if failures else {})
    write_whole(path, f"{json.dumps(values, default=datetime.isoformat)}\n".encode())


def recorded_builds(home: Home) -> list[str]:
    """Ids of all builds that have a record, oldest first."""
    return sorted(path.stem for path in home.builds.glob("[0-9]*T*Z.json"))


def remove_never_current(home: Home) -> None:
    """Remove the version of a build that was killed before it became current: it has no record yet, or it waits."""
    recorded, waiting, current = set(recorded_builds(home)), waiting_builds(home), current_build(home)
    for build_id in published_builds(home):
        if build_id != current and (build_id not in recorded or build_id in waiting):
            version_file(home, build_id).unlink(missing_ok=True)
    for build_id in waiting:
        if build_id == current or build_id not in recorded:
            waiting_file(home, build_id).unlink(missing_ok=True)


def read_records(home: Home) -> list[BuildRecord]:
    """Records of all builds, oldest first. Raises HomeError for one that cannot be read."""
    records = []
    for build_id in recorded_builds(home):
        path = home.builds / f"{build_id}.json"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values.pop(_FAILURES, None)
            for name in ("started_at", "finished_at"):
                values[name] = datetime.fromisoformat(values[name])
            records.append(BuildRecord(**values))
        except (ValueError, TypeError, KeyError) as error:
            raise HomeError(
                f"{path} is no record of a build: {error}", "move it away; nothing else needs it"
            ) from error
    return records


def read_failures(home: Home, build_id: str) -> list[str]:
    """Why a build failed, a line for each model and test. Raises OSError or ValueError where that cannot be read."""
    values = json.loads((home.builds / f"{build_id}.json").read_text(encoding="utf-8"))
    return [str(line) for line in values.get(_FAILURES, [])]

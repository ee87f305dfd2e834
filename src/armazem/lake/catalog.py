"""The catalog of the lake: opened, told apart from another one, its errors in words.

A home folder remembers its lake. An empty catalog where there was one is an error: with a new one every load would
seem to be withdrawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armazem.config import Settings
from armazem.disk.causes import cause_of, first_line
from armazem.disk.durable import write_whole
from armazem.errors import LakeError, extra
from armazem.home import Home
from armazem.lake.place import CATALOG, NAMESPACE, Place, place_of

with extra("iceberg", "the lake"):
    from pyiceberg.catalog import Catalog, load_catalog
    from pyiceberg.exceptions import (
        CommitFailedException,
        CommitStateUnknownException,
        NoSuchNamespaceError,
        NoSuchTableError,
        NotInstalledError,
        RESTError,
        ValidationException,
    )
    from pyiceberg.table import Table as IcebergTable
    from requests import RequestException
    from sqlalchemy.exc import OperationalError, SQLAlchemyError

LOADS = "loads"
REJECTS = "rejects"
_MEMORY = "lake.json"


@dataclass(frozen=True, slots=True)
class Lake:
    """An open lake. `home`: the folder in which loads are prepared."""

    home: Home
    place: Place
    catalog: Catalog

    def table(self, name: str) -> IcebergTable:
        """Return a table of `raw` as it is now. Raises NoSuchTableError, and LakeError where its files are gone."""
        try:
            return self.catalog.load_table((NAMESPACE, name))
        except FileNotFoundError as error:
            raise LakeError(
                f"the catalog {self.place.shown} knows {NAMESPACE}.{name}, but its files are gone: {first_line(error)}",
                "Iceberg writes whole paths: if the folder was moved, move it back or link the old path to it",
            ) from error


def open_lake(settings: Settings) -> Lake:
    """Return the lake of these settings; a catalog on a file is made where there never was one.

    Raises LakeError where it is gone or another one than this home folder knows.
    """
    place = place_of(settings)
    home = settings.home_folder
    remembered = _remembered(home, place)
    file = place.sqlite_file
    if file is not None:
        if remembered and not file.exists():
            raise _gone(home, place, "is gone")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            cause = cause_of(error, file)
            raise LakeError(f"cannot make the folder of the catalog: {cause.reason}", cause.hint) from error
    with lake_errors(place, "opening the lake"):
        lake = Lake(home, place, _connected(place))
        if remembered:
            _check_same(lake, remembered)
    return lake


def find_lake(settings: Settings) -> Lake | None:
    """Return the lake of these settings; None where there is none yet. Makes nothing. Raises LakeError as above."""
    place = place_of(settings)
    file = place.sqlite_file
    if file is not None and not file.exists() and not _remembered(settings.home_folder, place):
        return None
    lake = open_lake(settings)
    with lake_errors(place, "opening the lake"):
        return lake if lake.catalog.table_exists((NAMESPACE, LOADS)) else None


def _connected(place: Place) -> Catalog:
    try:
        try:
            return load_catalog(CATALOG, **place.connecting())
        except OperationalError:
            # Another process was making the tables of the same new catalog.
            return load_catalog(CATALOG, **place.connecting())
    except NotInstalledError as error:  # pyiceberg says so of every module that is missing: which one, its cause knows
        missing = error.__cause__ if isinstance(error.__cause__, ModuleNotFoundError) else error.__context__
        if isinstance(missing, ModuleNotFoundError):
            raise missing from error
        raise
    except ValueError as error:
        raise LakeError(
            f"the catalog {place.shown} cannot be opened: {place.without_secrets(first_line(error))}",
            "check ARMAZEM_LAKE_CATALOG and ARMAZEM_LAKE_PROPERTIES",
        ) from None


def remember(lake: Lake) -> None:
    """Write down that this home folder uses this lake."""
    memory = {"catalog": lake.place.shown, "warehouse": lake.place.warehouse, "id": _identity(lake)}
    path = lake.home.lake / _MEMORY
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or json.loads(path.read_text(encoding="utf-8")) != memory:
        write_whole(path, json.dumps(memory, indent=1).encode() + b"\n")


def _identity(lake: Lake) -> str:
    return str(lake.table(LOADS).metadata.table_uuid)


def _remembered(home: Home, place: Place) -> str:
    """The identity of the lake that this home folder knows behind this catalog; empty for none."""
    path = home.lake / _MEMORY
    try:
        memory = json.loads(path.read_text(encoding="utf-8"))
        return str(memory["id"]) if _is_of(str(memory["catalog"]), place) else ""
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LakeError(f"{path} cannot be read: {error}", "restore or delete it; it is written again") from error


def _is_of(catalog: str, place: Place) -> bool:
    """Whether a catalog that was shown like this is the one of a place; a file may be reached by a link too."""
    file = place.sqlite_file
    return catalog == place.shown or (file is not None and Path(catalog).resolve() == file.resolve())


def _check_same(lake: Lake, remembered: str) -> None:
    try:
        found = _identity(lake)
    except (NoSuchTableError, NoSuchNamespaceError):
        raise _gone(lake.home, lake.place, f"has no table {NAMESPACE}.{LOADS} any more") from None
    if found != remembered:
        raise LakeError(
            f"the catalog {lake.place.shown} is of another lake ({found}) than this home folder knows ({remembered})",
            f"restore the right one; to go on with this one, delete {lake.home.lake / _MEMORY}",
        )


def _gone(home: Home, place: Place, what: str) -> LakeError:
    return LakeError(
        f"the catalog {place.shown} {what}",
        f"restore it, or delete {home.lake / _MEMORY} to begin a new lake: `armazem lake register` fills it from the "
        "landing zone of the home folder",
    )


@contextmanager
def lake_errors(place: Place, doing: str) -> Iterator[None]:
    """Turn what pyiceberg and those below it raise into a LakeError: what, where, what to do."""

    def told(error: BaseException) -> str:
        return place.without_secrets(first_line(error))

    try:
        yield
    except (CommitFailedException, CommitStateUnknownException, ValidationException) as error:
        raise LakeError(
            f"{doing} stopped: {told(error)}",
            "others write to this table too: try again when they are done",
        ) from error
    except (NoSuchTableError, NoSuchNamespaceError) as error:
        raise LakeError(
            f"{doing} stopped: the catalog {place.shown}: {told(error)}",
            "restore it, or `armazem lake register`, which makes tables that are missing",
        ) from error
    except OperationalError as error:
        raise LakeError(
            f"{doing} stopped: the catalog {place.shown}: {told(error.orig or error)}",
            "is its disk full, its file damaged, its server there? then try again",
        ) from error
    except (SQLAlchemyError, RequestException, RESTError) as error:
        raise LakeError(
            f"{doing} stopped: the catalog {place.shown} does not answer as it should: {told(error)}",
            "check ARMAZEM_LAKE_CATALOG and ARMAZEM_LAKE_PROPERTIES",
        ) from error
    except ModuleNotFoundError as error:  # a database that needs a driver of its own
        raise LakeError(
            f"{doing} stopped: the catalog {place.shown} needs {error.name}, which is not installed",
            f"pip install {error.name}",
        ) from error
    except OSError as error:
        cause = cause_of(error, Path(place.warehouse))
        # What the libraries of a store raise has no name of a file, and Path makes one slash of two.
        reason = cause.reason if error.filename else f"{place.warehouse or place.shown}: {told(error)}"
        raise LakeError(f"{doing} stopped: {reason}", cause.hint) from error

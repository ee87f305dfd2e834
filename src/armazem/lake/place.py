"""Where the lake of some settings is: its catalog, its warehouse, and what the catalog has to be told besides."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from armazem.config import Settings
from armazem.errors import LakeError

CATALOG = "lake"
"""Name of the catalog. It is written in a SQL catalog: Spark has to use the same for the same tables."""
NAMESPACE = "raw"

_SQLITE = "sqlite:///"
_LOCK_SECONDS = 60  # a commit holds the lock of SQLite for milliseconds; a busy machine may stretch that
_REST = ("http://", "https://")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lake is.

    `catalog`: URI of SQLAlchemy or of a REST catalog. `warehouse`: URI of the folder of its tables, without a slash at
    its end; of a REST catalog what it is asked for, which may be any name or nothing. `properties`: what else the
    catalog is told; it may hold secrets.
    """

    catalog: str
    warehouse: str
    properties: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_rest(self) -> bool:
        return self.catalog.startswith(_REST)

    @property
    def sqlite_file(self) -> Path | None:
        """The file of a catalog on SQLite; None for others."""
        return Path(self.catalog.removeprefix(_SQLITE)) if self.catalog.startswith(_SQLITE) else None

    @property
    def shown(self) -> str:
        """The catalog for a message: without a password."""
        if self.sqlite_file is not None:
            return str(self.sqlite_file)
        scheme, _, rest = self.catalog.partition("://")
        # To the last @: a password that is not written as a URL wants it may hold each of / ? # and @.
        return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0].partition('#')[0]}"

    def without_secrets(self, text: str) -> str:
        """Return a message of a library without what stands in the catalog's URI besides its host and path."""
        rest = self.catalog.partition("://")[2]
        user, _, host = rest.rpartition("@")
        for secret in (user, user.partition(":")[2], host.partition("?")[2], host.partition("#")[2]):
            if secret and self.sqlite_file is None:
                text = text.replace(secret, "…")
        return text

    def connecting(self) -> dict[str, Any]:
        """Return the properties with which pyiceberg opens the catalog."""
        uri = self.catalog if self.sqlite_file is None else _sqlite_uri(self.sqlite_file)
        type_ = "rest" if self.is_rest else "sql"
        given = {"type": type_, "uri": uri, **({"warehouse": self.warehouse} if self.warehouse else {})}
        return {**given, **_with_auth(self.properties)}


def _sqlite_uri(file: Path) -> str:
    """SQLAlchemy writes what it reads: its versions differ in whether %20 in a path is a space."""
    from sqlalchemy import URL

    return URL.create("sqlite", database=str(file), query={"timeout": str(_LOCK_SECONDS)}).render_as_string()


def _with_auth(properties: dict[str, str]) -> dict[str, Any]:
    """What begins with `auth.` is a dictionary of dictionaries for pyiceberg, as in its own file of YAML."""
    found: dict[str, Any] = {}
    for name, value in properties.items():
        *folders, last = name.split(".") if name.startswith("auth.") else [name]
        inner = found
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[last] = value
    return found


def place_of(settings: Settings) -> Place:
    """Return where the lake of these settings is. Raises LakeError where they cannot be."""
    home = settings.home_folder.lake
    catalog = settings.lake_catalog or f"{_SQLITE}{home / 'catalog.db'}"
    if "://" not in catalog:
        raise LakeError(
            f"{catalog} is no catalog of Iceberg",
            "ARMAZEM_LAKE_CATALOG is like sqlite:///shop/catalog.db or https://host/catalog",
        )
    if catalog.startswith(_SQLITE):
        catalog = f"{_SQLITE}{Path(catalog.removeprefix(_SQLITE)).expanduser().absolute()}"
    is_rest = catalog.startswith(_REST)
    warehouse = settings.lake_warehouse or ("" if is_rest else str(home / "warehouse"))
    if not is_rest:
        warehouse = _uri(warehouse)
    return Place(catalog, warehouse.rstrip("/"), _properties(settings.lake_properties))


def _uri(warehouse: str) -> str:
    if not _SCHEME.match(warehouse):
        warehouse = f"file://{Path(warehouse).expanduser().absolute()}"
    if set("#?") & set(warehouse):
        raise LakeError(
            f"the files of Iceberg tables cannot lie in {warehouse}: their names are URLs, in which # and ? have a "
            "meaning",
            "set ARMAZEM_LAKE_WAREHOUSE, or ARMAZEM_HOME, to a folder without them",
        )
    return warehouse


def local_path(uri: str) -> Path | None:
    """Return the path of a URI on this machine; None for others."""
    if uri.startswith("/"):
        return Path(uri)
    return Path("/" + uri.removeprefix("file:").lstrip("/")) if uri.startswith("file:") else None


def _properties(name: str) -> dict[str, str]:
    """What the file has, a line `name=value` for each; lines that begin with # are remarks."""
    if not name:
        return {}
    path = Path(name).expanduser()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LakeError(f"{path} cannot be read: {reason}", "correct ARMAZEM_LAKE_PROPERTIES") from error
    properties = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            if not equals:
                # Not the line itself: it may be a secret.
                raise LakeError(f"line {number} of {path} has no =", "a line is name=value, such as token=…")
            properties[key.strip()] = value.strip()
    return properties

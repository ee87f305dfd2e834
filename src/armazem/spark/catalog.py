"""The catalog of the lake in the words of Spark: the one that pyiceberg opens. Pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from armazem.lake.place import CATALOG, Place

_CATALOG = f"spark.sql.catalog.{CATALOG}"
_DRIVERS = {"sqlite": "org.sqlite.JDBC", "postgresql": "org.postgresql.Driver", "mysql": "com.mysql.cj.jdbc.Driver"}
_BUSY_MILLISECONDS = 60_000  # as pyiceberg waits for the lock of SQLite


def catalog_options(place: Place) -> dict[str, str]:
    """Return what Spark is told of the catalog of the lake: that which pyiceberg uses, by the names of Java."""
    options = {_CATALOG: "org.apache.iceberg.spark.SparkCatalog", f"{_CATALOG}.cache-enabled": "false"}
    if place.warehouse:
        options[f"{_CATALOG}.warehouse"] = place.warehouse
    if place.is_rest:
        options |= {f"{_CATALOG}.type": "rest", f"{_CATALOG}.uri": place.catalog}
    else:
        uri, user, password = jdbc_of(place.catalog)
        options |= {f"{_CATALOG}.type": "jdbc", f"{_CATALOG}.uri": uri, f"{_CATALOG}.jdbc.schema-version": "V1"}
        if user:
            options |= {f"{_CATALOG}.jdbc.user": user, f"{_CATALOG}.jdbc.password": password}
    return options | {f"{_CATALOG}.{name}": value for name, value in place.properties.items()}


def jdbc_of(catalog: str) -> tuple[str, str, str]:
    """Return a URI of SQLAlchemy as one of JDBC, the user and the password."""
    parts = urlsplit(catalog)
    kind = parts.scheme.partition("+")[0]
    if kind == "sqlite":
        return f"jdbc:sqlite:{catalog.partition(':///')[2]}?busy_timeout={_BUSY_MILLISECONDS}", "", ""
    host = parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    return f"jdbc:{kind}://{host}{parts.path}{query}", unquote(parts.username or ""), unquote(parts.password or "")


def driver_of(place: Place) -> str | None:
    """Return the class that a catalog in a database needs; None for a REST catalog, and for one that is not known."""
    return None if place.is_rest else _DRIVERS.get(urlsplit(place.catalog).scheme.partition("+")[0])

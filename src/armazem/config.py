"""One Settings object: from a command's flags, the environment (`ARMAZEM_*`) and `armazem.toml`."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from armazem.errors import ArmazemError
from armazem.home import Home

CONFIG_FILE = Path("armazem.toml")

# What the build says to dbt, what the tests say to themselves, what Airflow's tasks are told, what Kubernetes makes.
_OTHERS = re.compile(r"ARMAZEM_(DBT_|SOAK|BIN$|(\w+_)?(SERVICE_(HOST|PORT)|PORT$|PORT_\d))")


class ConfigError(ArmazemError):
    """A setting that does not exist or has a value it cannot have."""


class Settings(BaseSettings):
    """All settings, each with when to set it. Order: flag, environment, armazem.toml, default."""

    model_config = SettingsConfigDict(env_prefix="ARMAZEM_", env_ignore_empty=True, extra="forbid")

    home: Path = Field(
        Path("armazem-data"), description="Folder of all data. Set it to keep the data elsewhere than here."
    )
    models: str = Field(
        "",
        description="Folder of your own models, SQL and YAML. Empty: the folder `models` beside the home folder, where "
        "it has models; `none`: no folder. See [own-models.md](own-models.md).",
    )
    threads: int = Field(
        2,
        ge=1,
        le=64,
        description="Models built at the same time. DuckDB uses all cores for one model, so more rarely helps.",
    )
    keep_builds: int = Field(
        5, ge=2, le=1000, description="Published versions kept for `rollback`. Lower it where disk is short."
    )
    lock_timeout: float = Field(
        600, ge=0, description="Seconds that a build waits for another one on the same home folder."
    )
    memory_limit: str = Field(
        "", description="Memory that DuckDB may use in a build, such as 4GB. Empty: 80 % of the machine's."
    )
    query_timeout: float = Field(600, gt=0, description="Seconds after which a query of `sql` or `kpi` is stopped.")
    query_memory: str = Field(
        "4GB", description="Memory that DuckDB may use for one query of `sql` or `kpi`; it never spills to the disk."
    )
    query_rows: int = Field(
        5_000_000, ge=1, description="Rows that an answer of `sql` or `kpi` may have. It is held in memory."
    )

    time_zone: str = Field(
        "America/Sao_Paulo",
        description="Business time: order times without an offset are of this zone. Set it before the first event.",
    )
    token: str = Field(
        "", description="Secret that /v1 asks for as `Authorization: Bearer …`. Needed to serve another host."
    )
    allowed_hosts: str = Field(
        "",
        description="Names by which clients may call the server, besides loopback and `--host`: separated by commas, "
        "`*.shop.example` for all below a name, `*` for any.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of proxies, separated by commas, whose `X-Forwarded-Proto`, `-Host` and "
        "`-For` are believed. Set it behind one that ends TLS.",
    )
    max_request_megabytes: int = Field(
        16, ge=1, le=1024, description="Largest body of one request, unpacked. One event has 1 MiB at most."
    )
    queue_megabytes: int = Field(
        64, ge=1, le=4096, description="Messages waiting to be written; beyond it senders are told to wait (429)."
    )
    segment_megabytes: int = Field(
        64, ge=1, le=4096, description="Size at which a journal segment is closed, to be compacted to Parquet."
    )
    segment_seconds: float = Field(3600, gt=0, description="Age at which a journal segment is closed.")

    inbox: str = Field(
        "",
        description="Folder, or gs://BUCKET/FOLDER, from which `serve` loads what has come whole. It is not changed.",
    )
    inbox_settle_seconds: float = Field(
        10, ge=0, description="How long no file of a folder in the inbox may change before they count as whole."
    )
    build_every: str = Field(
        "", description="How often `serve` builds what is new, such as 30s, 5m or 1h. With an inbox and neither: 5m."
    )
    build_at: str = Field("", description="The time of day, business time, at which `serve` builds, such as 23:00.")
    notify_webhook: str = Field(
        "",
        description="URL to which `serve` posts JSON where an audit failed or a file was refused, and when it is over.",
    )
    notify_mail: str = Field("", description="Address to which `serve` sends the same by mail, through `notify_smtp`.")
    notify_smtp: str = Field("", description="Mail server: smtp://USER:PASSWORD@HOST:587, or smtps://….")

    kafka_group: str = Field(
        "",
        pattern=r"^\S{0,200}$",
        description="Consumer group that `subscribe kafka:…` reads in. Empty: one of the journal's own, or of the "
        "BigQuery dataset. A new one reads topics from their beginning.",
    )
    kafka_instance: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,200}$",
        description="Name of this process in the group (`group.instance.id`). Set it where several on one machine "
        "write to BigQuery. Empty: `journal`, or on BigQuery the machine's name.",
    )
    kafka_properties: str = Field(
        "",
        description="File with properties of librdkafka, such as `security.protocol=SASL_SSL`, `sasl.*` and `ssl.*`. "
        "See [kafka.md](kafka.md#security).",
    )

    target: Literal["duckdb", "bigquery"] = Field(
        "duckdb", description="Where the warehouse is: in the home folder, or on BigQuery. `--target` wins."
    )
    bigquery_project: str = Field(
        "", description="Google Cloud project. Empty: that of the Application Default Credentials."
    )
    bigquery_location: str = Field(
        "US", description="Where the datasets are made, such as `southamerica-east1`. It cannot be changed later."
    )
    bigquery_dataset_prefix: str = Field(
        "",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,199})?$",
        description="In front of every dataset's name, such as `shop_`: several warehouses in one project.",
    )
    bigquery_endpoint: str = Field(
        "",
        description="Another address of the BigQuery API; one with http:// is an emulator: no credentials.",
    )
    bigquery_write_endpoint: str = Field(
        "",
        description="host:port of an emulator of BigQuery's Storage Write API, for `subscribe` and `dataflow`.",
    )
    bigquery_maximum_bytes_billed: int = Field(
        0, ge=0, description="A query that would bill more bytes than this fails before it runs. 0: no limit."
    )
    bigquery_retry_seconds: float = Field(
        600, gt=0, description="How long Google's library goes on trying after a passing error, such as a lost network."
    )

    landing: Literal["home", "lake"] = Field(
        "home",
        description="Where `load` lands and what `build` reads: the home folder, or the Iceberg tables of the lake. "
        "See [lake.md](lake.md).",
    )
    lake_catalog: str = Field(
        "",
        description="Catalog of the Iceberg tables: `sqlite:///…` or another database of SQLAlchemy, or the "
        "`https://…` of a REST catalog. Empty: `lake/catalog.db` in the home folder.",
    )
    lake_warehouse: str = Field(
        "",
        description="Where the files of the Iceberg tables lie: a folder, `gs://…`, `s3://…`; for a REST catalog, the "
        "warehouse that it is asked for. Empty: `lake/warehouse` in the home folder, or what a REST catalog says.",
    )
    lake_properties: str = Field(
        "",
        description="File with further properties of the catalog, a line `name=value` for each, such as a token. "
        "Nothing of it is logged.",
    )

    spark_master: str = Field(
        "",
        description="Where `lake load` runs Spark, such as `local[4]`. Empty: on all cores of this machine, or where "
        "spark-submit says. See [spark.md](spark.md).",
    )
    spark_jars: str = Field(
        "",
        description="The jars of Iceberg and of the catalog's database, or a folder with them; separated by commas. "
        "Empty: those on Spark's class path, else from Maven Central.",
    )
    spark_memory: str = Field(
        "1g", pattern=r"^[1-9][0-9]*[kmgt]b?$", description="Memory of Spark's Java on this machine, such as 4g."
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {name}") from error
        return name

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings  # two more places to look would be two too many
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, CONFIG_FILE)

    @property
    def home_folder(self) -> Home:
        return Home(self.home.expanduser().absolute())


def load_settings(**flags: Any) -> Settings:
    """Settings with these flags on top; a flag that is None was not given. Raises ConfigError."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        problems = "; ".join(_problem(str(p["loc"][0]), p["type"], p["msg"]) for p in error.errors())
        raise ConfigError(
            f"settings are wrong: {problems}", f"look at ARMAZEM_* variables and {CONFIG_FILE}"
        ) from error
    except (OSError, ValueError) as error:  # TOML errors are ValueErrors
        raise ConfigError(f"{CONFIG_FILE} cannot be read: {error}", "correct the file") from error


def _problem(name: str, kind: str, message: str) -> str:
    return _unknown(name, list(Settings.model_fields)) if kind == "extra_forbidden" else f"{name}: {message}"


def unknown_variables() -> list[str]:
    """Return a line for each variable of the environment that looks like a setting and is none.

    A misspelt one would be as good as none, and nobody would notice. But the environment is not ours alone: Kubernetes
    names `ARMAZEM_PORT` and `ARMAZEM_SERVICE_HOST` for every container beside a service `armazem`.
    """
    known = [f"ARMAZEM_{name.upper()}" for name in Settings.model_fields]
    given = [name for name in os.environ if name.startswith("ARMAZEM_") and not _OTHERS.match(name)]
    return [_unknown(name, known) for name in sorted(given) if name not in known]


def _unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"there is no setting {name}" + (f"; did you mean {close[0]}?" if close else "")

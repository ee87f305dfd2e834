"""The datasets of one warehouse on BigQuery."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from armazem.config import Settings


@dataclass(frozen=True, slots=True)
class Datasets:
    """Names of the datasets, with the prefix of the settings.

    `raw`: what was loaded, with the ledger and the rejects. `audit`: what a build works on. `kept`: the tables
    of the last published builds, for rollback. `staging`, `marts`, `kpis`, `meta`: published. `live`: views on
    `staging` and the events since.
    """

    raw: str
    audit: str
    kept: str
    staging: str
    marts: str
    kpis: str
    meta: str
    live: str

    @property
    def all(self) -> tuple[str, ...]:
        return astuple(self)

    @property
    def published(self) -> tuple[str, ...]:
        return self.staging, self.marts, self.kpis, self.meta


def datasets(settings: Settings) -> Datasets:
    """The names that these settings give."""
    prefix = settings.bigquery_dataset_prefix
    return Datasets(*(f"{prefix}{name}" for name in Datasets.__slots__))

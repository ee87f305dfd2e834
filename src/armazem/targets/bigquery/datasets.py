"""The datasets of one warehouse on BigQuery."""

from __future__ import annotations

from dataclasses import dataclass

from armazem.config import Settings
from armazem.contract.layers import META


@dataclass(frozen=True, slots=True)
class Datasets:
    """Names of the datasets, with the prefix of the settings.

    `raw`: what was loaded, with the ledger and the rejects. `audit`: what a build works on. `kept`: the tables
    of the last published builds, for rollback. `meta`: what is known of builds. Each layer of models has one besides.
    """

    prefix: str

    def of(self, layer: str) -> str:
        """The dataset in which readers find a layer."""
        return f"{self.prefix}{layer}"

    @property
    def raw(self) -> str:
        return self.of("raw")

    @property
    def audit(self) -> str:
        return self.of("audit")

    @property
    def kept(self) -> str:
        return self.of("kept")

    @property
    def meta(self) -> str:
        return self.of(META)


def datasets(settings: Settings) -> Datasets:
    """The names that these settings give."""
    return Datasets(settings.bigquery_dataset_prefix)

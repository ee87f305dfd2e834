"""BigQuery as every other part of the package sees it: a client, the names of the datasets, clear errors.

The Google client is imported where it is used: the embedded target runs without it.
"""

from armazem.bigquery.datasets import Datasets, datasets

__all__ = ["Datasets", "datasets"]

"""What differs between deployments: environment variables, which workers, triggerer and DAG processor all get.

They are read where DAGs are parsed: whether files come in a folder or a bucket decides which sensor waits for them.
The command `armazem` reads its own (ARMAZEM_HOME, ARMAZEM_TARGET, …) from the same environment.
"""

from __future__ import annotations

import os

COMMAND = os.environ.get("WAREHOUSE_COMMAND", "armazem")
INBOX = os.environ.get("WAREHOUSE_INBOX", "/usr/local/airflow/data/inbox").rstrip("/")
EXPORTS = os.environ.get("WAREHOUSE_EXPORTS", "/usr/local/airflow/data/exports")
WAIT_SECONDS = float(os.environ.get("WAREHOUSE_WAIT_SECONDS", "10800"))
RETRY_SECONDS = float(os.environ.get("WAREHOUSE_RETRY_SECONDS", "60"))
APPROVAL = os.environ.get("WAREHOUSE_APPROVAL", "") not in ("", "0")

# As `armazem` itself has them by default.
TIME_ZONE = os.environ.get("ARMAZEM_TIME_ZONE") or "America/Sao_Paulo"
TARGET = os.environ.get("ARMAZEM_TARGET") or "duckdb"
PREFIX = os.environ.get("ARMAZEM_BIGQUERY_DATASET_PREFIX", "") if TARGET == "bigquery" else ""

# Of one slot: builds of all DAGs take turns without a worker each that waits.
POOL = "warehouse"
# The file that is written last into the folder of an extract.
MARKER = "_SUCCESS"

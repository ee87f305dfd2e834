"""`armazem fetch`: the real data set, from Kaggle, with Kaggle's own client."""

from __future__ import annotations

import shutil
from pathlib import Path

from armazem.contract import TABLES
from armazem.disk.causes import first_line
from armazem.errors import SourceError

DATASET = "olistbr/brazilian-ecommerce"
LICENCE = (
    "Brazilian E-Commerce Public Dataset by Olist and André Sionek, CC BY-NC-SA 4.0: "
    "you may use and share it for non-commercial purposes, naming its authors, under the same licence."
)
_HINT = (
    "check the connection to www.kaggle.com; without it download the zip in a browser from "
    f"https://www.kaggle.com/datasets/{DATASET} and run `armazem load archive.zip`, "
    "or make data with `armazem generate`"
)


def fetch(out: Path) -> list[Path]:
    """Download the nine CSV files into folder `out`; the paths written.

    Raises SourceError without a network, or where Kaggle refuses or sends something else.
    """
    import requests  # both only here: the other commands need neither
    from kagglehub import dataset_download
    from kagglehub.exceptions import (
        CredentialError,
        DataCorruptionError,
        KaggleApiHTTPError,
        UnauthenticatedError,
    )

    try:
        folder = Path(dataset_download(DATASET))
    except (CredentialError, UnauthenticatedError) as error:
        raise SourceError(
            f"Kaggle asks for credentials: {error}", "set KAGGLE_USERNAME and KAGGLE_KEY, or: " + _HINT
        ) from error
    except (KaggleApiHTTPError, DataCorruptionError, requests.RequestException, OSError) as error:
        raise SourceError(f"the data set {DATASET} could not be downloaded: {first_line(error)}", _HINT) from error
    missing = [table.file for table in TABLES if not (folder / table.file).is_file()]
    if missing:
        raise SourceError(f"Kaggle sent a data set without {', '.join(missing)}", _HINT)
    return _copy(folder, out)


def _copy(folder: Path, out: Path) -> list[Path]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        return [_copy_whole(folder / table.file, out / table.file) for table in TABLES]
    except OSError as error:
        raise SourceError(
            f"cannot write to {out}: {error.strerror or error}", "give a folder that can be written"
        ) from error


def _copy_whole(source: Path, target: Path) -> Path:
    # Under another name until it is whole: an interrupted copy is not taken for the file.
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    return part.replace(target)

"""The Java and the jars that Spark needs: which versions go together, and what to do where they are missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from armazem.errors import SparkError

SPARK = "4.1"
SCALA = "2.13"
JAVA = (17, 21)
"""Versions of Java that Spark 4.1 runs on."""
ICEBERG = f"org.apache.iceberg:iceberg-spark-runtime-{SPARK}_{SCALA}:1.11.0"
SQLITE = "org.xerial:sqlite-jdbc:3.50.3.0"
PACKAGES = (ICEBERG, SQLITE)
"""The jars by their coordinates on Maven Central: made for this Spark, and the driver of a catalog on SQLite."""

_VERSION = re.compile(r'version "(\d+)')
_ANSWER_SECONDS = 60


def check_java() -> None:
    """Raise SparkError where there is no Java that Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    needed = f"Spark needs Java {JAVA[0]} or {JAVA[1]}"
    hint = "install one, such as openjdk-17-jre-headless, and set JAVA_HOME where there are several"
    if java is None:
        raise SparkError(f"{needed}, and there is none on this machine", hint)
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise SparkError(f"{needed}, and {java} does not run", hint) from error
    found = _VERSION.search(answer.stderr)
    if found is not None and int(found[1]) not in JAVA:
        raise SparkError(f"{needed}, and {java} is Java {found[1]}", hint)


def named_jars(given: str) -> list[Path]:
    """Return the jars that the setting names: files, or the jars of folders. Raises SparkError where one is missing."""
    found: list[Path] = []
    for text in filter(None, map(str.strip, given.split(","))):
        path = Path(text).expanduser().absolute()
        jars = sorted(path.glob("*.jar")) if path.is_dir() else [path] if path.is_file() else []
        if not jars:
            raise SparkError(
                f"{path} is no jar and no folder with jars",
                f"ARMAZEM_SPARK_JARS names them; without it {' and '.join(PACKAGES)} come from Maven Central",
            )
        found += jars
    return found

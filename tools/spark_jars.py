"""Brings the jars of Spark's job from Maven Central: `python -m tools.spark_jars FOLDER`.

By Maven, where it is: so the jars come as a company's settings of Maven say. Without it Spark fetches them itself, when
it starts; then there is nothing to do here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from armazem.spark.jars import PACKAGES

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>armazem</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>{}</dependencies></project>"""
_DEPENDENCY = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"


def main(folder: Path) -> int:
    """Fill the folder. Exit codes: 0 done, or no Maven; else that of Maven."""
    if shutil.which("mvn") is None:
        sys.stderr.write("no Maven here: Spark fetches its jars itself\n")
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        pom = Path(work) / "pom.xml"
        dependencies = "".join(_DEPENDENCY.format(*package.split(":")) for package in PACKAGES)
        pom.write_text(_POM.format(dependencies), encoding="utf-8")
        command = ["mvn", "--batch-mode", "--quiet", "-f", str(pom), _COPY]
        return subprocess.run(
            [*command, f"-DoutputDirectory={folder.absolute()}", "-DexcludeTransitive=true"], check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

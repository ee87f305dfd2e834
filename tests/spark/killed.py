"""A load by Spark that kills itself: `killed.py WHERE SOURCE HOME [JARS]`. Without JARS it works on the Java of its
parent, which goes on: as on a cluster whose driver is lost. With JARS it has one of its own.

WHERE: `before append 2`, `in append 2`, `after append 2`, `before record`, `after record`, or seconds from the start.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from armazem.config import load_settings
from armazem.lake import landing
from armazem.spark import reading
from armazem.spark.load import load
from armazem.spark.session import started


def die() -> None:
    os.killpg(0, signal.SIGKILL)


def watch(owner: Any, name: str, called: str) -> None:
    """Die at a call of a function."""
    function = getattr(owner, name)
    calls = 0

    def watched(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        moment = f"{called} {calls}" if called == "append" else called
        if where == f"before {moment}":
            die()
        if where == f"in {moment}":
            threading.Timer(0.05, die).start()
        done = function(*arguments)
        if where == f"after {moment}":
            die()
        return done

    setattr(owner, name, watched)


def of_parent() -> Any:
    """A session on the Java that is there."""
    from pyspark.conf import SparkConf
    from pyspark.core.context import SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    gateway = launch_gateway()
    jvm = gateway.jvm
    there = jvm.org.apache.spark.SparkContext.getOrCreate()
    context = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(there)
    conf = SparkConf(_jvm=jvm, _jconf=context.getConf())
    return SparkSession(SparkContext(gateway=gateway, jsc=context, conf=conf))


where, source, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
os.setpgid(0, 0)  # Java dies with it, where it is its own
settings = load_settings(home=home, landing="lake", spark_jars="".join(sys.argv[4:]))
watch(reading.SparkReading, "_append", "append")
watch(landing, "record", "record")
with ExitStack() as stack:
    session = of_parent() if len(sys.argv) == 4 else stack.enter_context(started(settings))
    if where.replace(".", "").isdigit():
        threading.Timer(float(where), die).start()
    load(source, settings, session, partial=True)
os._exit(0)

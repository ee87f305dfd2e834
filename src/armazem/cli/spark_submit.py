"""What spark-submit and Dataproc start: `spark_submit.py PATH [OPTIONS]` is `armazem lake load PATH [OPTIONS]`.

The settings are environment variables, as ever. Of the package this file needs what is installed where the driver runs.
"""

import sys


def main(arguments: list[str]) -> int:
    """Run the command; its exit code."""
    from armazem.__main__ import run

    sys.argv = ["armazem", "lake", "load", *arguments]
    try:
        run()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    return 0


if __name__ == "__main__":
    # Spark takes every SystemExit for a failure of the application but 0.
    sys.exit(main(sys.argv[1:]))

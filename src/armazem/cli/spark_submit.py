"""What spark-submit and Dataproc start: `spark_submit.py PATH [OPTIONS]` is `armazem lake load PATH [OPTIONS]`.

The settings are environment variables, as ever. The package has to be installed where the driver runs.
"""

import sys

if __name__ == "__main__":
    from armazem.__main__ import run

    sys.argv[:1] = ["armazem", "lake", "load"]
    run()

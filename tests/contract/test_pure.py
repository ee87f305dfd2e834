"""The contract is imported by itself: workers that check events have nothing else of the package's dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import armazem.contract

FOLDER = Path(armazem.contract.__file__).parent
ITS_OWN = {"armazem", "msgspec", "numpy", "tzdata"}
# Taken where they are there: by msgspec, and by the platform module.
OPTIONAL = {"typing_extensions"}


def test_the_contract_needs_msgspec_numpy_and_time_zones_only() -> None:
    modules = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    program = (
        "import sys\nbefore = {name.partition('.')[0] for name in sys.modules}\n"
        + "\n".join(f"import armazem.contract.{module}" for module in modules)
        + "\nfrom armazem.contract.event_fast import has_decimals; assert has_decimals([1.25], 2)"
        + "\nprint(*{name.partition('.')[0] for name in sys.modules} - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found = {name for name in done.stdout.split() if not name.startswith("_sysconfigdata")}
    assert found - set(sys.stdlib_module_names) <= ITS_OWN | OPTIONAL

"""Makes the environment of a checkout, in seconds: `python3 tools/environment.py VENV LOCK`.

By uv: the one on the path, or one that is brought into the environment; by pip where uv cannot be had. The index is
the one that pip is set to. Runs on any Python 3, so that one that is too old is told so.

`python3 tools/environment.py VENV --uv ARGUMENTS` runs uv with these settings, for what only uv can.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

OLDEST = (3, 11)
INDEX = "index-url"
# What pip is set to, as uv wants to be told. uv does not read pip's files.
SETTINGS = {
    INDEX: "UV_DEFAULT_INDEX",
    f"extra-{INDEX}": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


class Failed(Exception):
    """What went wrong and what to do, in a line."""


def main(arguments):
    """Make or complete the environment. Exit codes: 0 done, 1 failed, 2 usage."""
    if len(arguments) < 2 or (len(arguments) > 2) != (arguments[1] == "--uv"):
        sys.stderr.write(__doc__ + "\n")
        return 2
    environment = Path(arguments[0])
    begun = time.monotonic()
    try:
        check_python()
        uv = made(environment)
        if arguments[1] == "--uv":
            run_uv(uv, arguments[2:])
        else:
            lock = Path(arguments[1])
            install(environment, uv, ["-r", str(lock)])
            install(environment, uv, ["--no-deps", "--editable", "."])
            packages = sum(line[:1].isalnum() for line in lock.read_text(encoding="utf-8").splitlines())
            by = "uv" if uv else "pip"
            say(f"{environment}: {packages} packages by {by}, {time.monotonic() - begun:.0f} s")
    except Failed as failed:
        sys.stderr.write(f"error: {failed}\n")
        return 1
    return 0


def check_python():
    """Raise Failed where this Python cannot run the project."""
    if sys.platform == "win32":
        raise Failed("Armazém runs on Linux and macOS; on Windows use WSL: https://learn.microsoft.com/windows/wsl")
    if sys.version_info < OLDEST:
        raise Failed(
            f"Armazém needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}; "
            "name another: make up PYTHON=python3.12"
        )


def made(environment):
    """Make the environment where it is not there; the command uv, None where it cannot be had."""
    uv = shutil.which("uv")
    python = environment / "bin" / "python"
    if uv is None and (environment / "bin" / "uv").exists():
        uv = str(environment / "bin" / "uv")
    # One that was cut off, or that lacked a package of the system, has a Python and no pip.
    if not python.exists() or (uv is None and not works([str(python), "-m", "pip", "--version"])):
        say(f"making {environment} with Python {sys.version_info[0]}.{sys.version_info[1]}")
        if uv is not None:
            run([uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", sys.executable, str(environment)])
        else:
            run(
                [sys.executable, "-m", "venv", str(environment)],
                "on Debian and Ubuntu: apt-get install python3-venv; or install uv",
            )
    if uv is None:
        found = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "uv"], check=False)
        if found.returncode == 0:
            uv = str(environment / "bin" / "uv")
        else:
            say("uv cannot be had: going on with pip, which takes minutes")
    return uv


def works(command):
    """Whether a command can be run."""
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def install(environment, uv, what):
    """Install into the environment. Raises Failed."""
    python = str(environment / "bin" / "python")
    hint = "check the network and the index that pip is set to: pip config list"
    if uv is None:
        run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what], hint)
    else:
        # Compiled now, on all cores: else the first start of each command does it, or every one where nothing may
        # be written beside the source.
        quiet = [] if sys.stderr.isatty() else ["--quiet"]
        run([uv, "pip", "install", *quiet, "--compile-bytecode", "--python", python, *what], hint)


def run_uv(uv, arguments):
    """Run uv. Raises Failed where it cannot be had."""
    if uv is None:
        raise Failed("this needs uv, which cannot be had: install it")
    run([uv, *arguments])


def run(command, hint=""):
    """Run a command; Failed where it fails."""
    if subprocess.run(command, check=False, env=dict(as_uv_wants(pip_settings()), **os.environ)).returncode != 0:
        raise Failed(f"{' '.join(command[:4])} failed{'; ' + hint if hint else ''}")


def pip_settings():
    """What pip is set to, by files and by the environment: name to value. Empty without pip."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], check=False, capture_output=True, text=True
    ).stdout
    levels = {"global": 0, "user": 1, "site": 2, "install": 3, ":env:": 4}
    found = {}
    for line in listed.splitlines():
        name, equals, value = line.partition("=")
        level, _, setting = name.rpartition(".")
        if equals and level in levels:
            found.setdefault(setting, []).append((levels[level], value.strip("'\"")))
    return {setting: max(values)[1] for setting, values in found.items()}


def as_uv_wants(settings):
    """The variables for uv. pip has a line for each of several values."""
    found = {}
    for name, value in settings.items():
        values = value.replace("\\n", " ").split()
        if name == "find-links":  # pip only warns of one that is not there
            values = [one for one in values if "://" in one or Path(one).exists()]
        if name in SETTINGS and values:
            found[SETTINGS[name]] = ("," if name == "find-links" else " ").join(values)
    return found


def say(text):
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

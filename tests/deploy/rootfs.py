"""An image by its files, without a registry and without Docker: a base of Debian's packages, Buildah in a chroot, and a
server that is started in the result as a container is: another user, a root that is read-only, only what is mounted to
write to. It needs root, as mounts do.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .places import ROOT

# In a mount namespace of its own, so that nothing has to be taken away afterwards. `exec`: a signal reaches the server.
_INSIDE = """
root=$1; user=$2; shift 2
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o mode=1777,size=512m tmpfs "$root/tmp"
mount --bind "$VOLUME_OF_DATA" "$root/data"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
unset VOLUME_OF_DATA
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: its configuration, as Docker has it, and its files."""

    config: dict[str, Any]
    root: Path

    def start(self, data: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start it with these arguments, or what it starts by itself. `data` is the volume."""
        told = dict(one.split("=", 1) for one in self.config["Env"]) | variables
        words = [*self.config["Entrypoint"], *(arguments or self.config["Cmd"])]
        environment = [f"{name}={value}" for name, value in told.items()]
        inside = ["/usr/bin/env", "-i", f"--chdir={self.config['WorkingDir']}", *environment, *words]
        apart = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", _INSIDE, "sh"]
        return subprocess.Popen(
            [*apart, self.root, self.config["User"], *inside],
            env=os.environ | {"VOLUME_OF_DATA": str(data)}, cwd="/", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, data: Path, *arguments: str, **variables: str) -> tuple[int, str]:
        """Its exit code, and what it says."""
        with self.start(data, *arguments, **variables) as process:
            try:
                said, _ = process.communicate(timeout=300)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, said


@contextmanager
def built(folder: Path, dockerfile: Path, ignore: Path) -> Iterator[Image]:
    """Build an image in `folder`. Of the machine it has what pip is set to, so that it finds the same packages."""
    buildah = ["buildah", "--root", folder / "storage", "--runroot", folder / "run", "--storage-driver", "vfs"]

    def do(*words: object) -> str:
        done = subprocess.run(
            [*map(str, buildah), *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    base = folder / "base.tar"
    include = "python3,python3-venv,ca-certificates"
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={include}", "bookworm", base], check=True)
    container = do("from", "scratch")
    do("add", container, base, "/")
    base.unlink()
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    for path in (certificates, Path("/etc/pip.conf")):
        if path.exists():
            do("copy", container, path, path)
    for variable in ("SSL_CERT_FILE", "PIP_CERT"):
        do("config", "--env", f"{variable}={certificates}", container)
    do("commit", "--quiet", container, "localhost/base:test")
    do("rm", container)
    do(
        "bud", "--isolation", "chroot", "--format", "docker", "--ignorefile", ignore, "--file", dockerfile,
        "--build-arg", "BASE=localhost/base:test", "--tag", "localhost/armazem:test", ROOT,
    )  # fmt: skip
    container = do("from", "localhost/armazem:test")
    config = json.loads(do("inspect", "--type", "image", "localhost/armazem:test"))["Docker"]["config"]
    try:
        yield Image(config, Path(do("mount", container)))
    finally:
        do("umount", container)
        do("rm", container)
        shutil.rmtree(folder, ignore_errors=True)  # gigabytes

"""A PostgreSQL server of our own, which may be stopped and started as nobody may with the shared one."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg

from tests.kit.installation import free_port


def programs():
    """Return the folder of PostgreSQL's server programs; None where there are none."""
    found = shutil.which("initdb")
    installed = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


class Cluster:
    """The server, with one empty database; `url` and `rows` are what an installation wants."""

    def __init__(self, *, disk=None):
        """Make and start it; `disk` gives it a disk of its own of so many bytes.

        Raises PermissionError where that cannot be mounted.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="cluster-"))
        self._has_disk = disk is not None
        if self._has_disk:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={disk}", "tmpfs", self._folder]
            if subprocess.run(mount, check=False, capture_output=True).returncode:
                self._folder.rmdir()
                raise PermissionError("no disk can be mounted here")
        self._port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self._port}/postgres"
        # The server refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        self.start()

    def start(self):
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "start", "--wait", "-l", str(self._folder / "log"), "-o", options)

    def stop(self, mode="fast"):
        """Stop it; `immediate` is as if its power were cut, with a recovery at the next start."""
        self._run("pg_ctl", "stop", "--wait", "-m", mode)

    def rows(self, question):
        with psycopg.connect(self.url) as asked:
            return asked.execute(question).fetchall()

    def fill_disk(self):
        """Leave no byte free on its disk."""
        with suppress(OSError), (self._folder / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(b"x" * 4096)

    def clear_disk(self):
        (self._folder / "ballast").unlink()

    def drop(self):
        self._run("pg_ctl", "stop", "--wait", "-m", "immediate", check=False)
        if self._has_disk:
            subprocess.run(["umount", self._folder], check=True)
        shutil.rmtree(self._folder)

    def _run(self, program, *arguments, check=True):
        command = [programs() / program, "-D", self._folder / "data", *arguments]
        subprocess.run(
            command,
            check=check,
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

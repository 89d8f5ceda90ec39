"""A checkout of its own in which the launcher really runs, and what is left of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from app.config import ROOT
from tests.fault.cradle import Born, Cradle
from tests.fault.plant import STARTS, outside
from tests.support.until import until

PROCESS = {
    "name": "kept",
    "version": "1.0.0",
    "config": {
        "steps": [
            {
                "id": "only",
                "name": "Only",
                "type": "service_task",
                "config": {"service_name": "NoopService", "method": "noop"},
            }
        ]
    },
}
_PARTS = ("app", "configs", "examples", "migrations", "static", "templates", "translations")
_FILES = ("wsgi.py", "gunicorn.conf.py")


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Checkout:
    """A copy of what a clone holds, with a ``var/`` of its own."""

    folder: Path
    port: int = field(default_factory=free_port)
    runs: list[Run] = field(default_factory=list)
    _cradle: Cradle | None = None

    def __post_init__(self) -> None:
        for part in _PARTS:
            if (ROOT / part).exists():
                shutil.copytree(ROOT / part, self.folder / part)
        for file in _FILES:
            shutil.copy2(ROOT / file, self.folder / file)

    @property
    def data(self) -> Path:
        """PostgreSQL's."""
        return self.folder / "var" / "postgres"

    def start(self, *command: str, **env: str) -> Run:
        """Start ``workflow-engine`` with a command, ``run`` if none is given."""
        out, settings = self._next(env)
        with out.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", *_arguments(command)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=settings,
            )
        return self._began(process, out)

    def fork(self, *command: str, **env: str) -> Run:
        """Do the same in a fork of a process that has imported what it needs."""
        self.prepare()
        assert self._cradle is not None
        out, settings = self._next(env)
        return self._began(self._cradle.born(_arguments(command), env=settings, out=out), out)

    def prepare(self) -> None:
        """Begin to import, while others are set up; returns at once."""
        if self._cradle is None:
            self._cradle = Cradle(self.folder, outside())

    def _next(self, env: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
        settings = {"APP_MODE": "demo", "PORT": str(self.port), "PYTHONPATH": str(self.folder)}
        out = self.folder / f"said.{len(self.runs)}"
        out.touch()
        return out, {**outside(), **settings, **env}

    def _began(self, process: subprocess.Popen[bytes] | Born, out: Path) -> Run:
        self.runs.append(Run(self, process, out))
        return self.runs[-1]

    def processes(self) -> dict[int, str]:
        """Return the processes that run in this checkout, by their number."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if str(self.folder) in line or self._holds_lock(process):
                    found[int(process.name)] = line
        return found

    def _holds_lock(self, process: Path) -> bool:
        lock = str(self.folder / "var/run/children.lock")
        for handle in (process / "fd").iterdir():
            with suppress(OSError):
                if os.readlink(handle) == lock:
                    return True
        return False

    def stop(self) -> None:
        """End what a failed test left running."""
        for run in self.runs:
            run.process.kill()
            run.process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """The same; nothing can be started any more."""
        self.stop()
        if self._cradle is not None:
            self._cradle.close()


def _arguments(command: Sequence[str]) -> list[str]:
    return ["app.cli", *(command or ("run",))]


@dataclass
class Run:
    """One start of the launcher."""

    checkout: Checkout
    process: subprocess.Popen[bytes] | Born
    out: Path

    @property
    def said(self) -> str:
        """Everything it printed so far."""
        return self.out.read_text(encoding="utf-8")

    def until_said(self, text: str, *, times: int = 1, seconds: float = STARTS) -> None:
        """Wait until it has printed ``text``, or fail with what it printed instead."""

        def true() -> bool:
            if self.said.count(text) >= times:
                return True
            assert self.process.poll() is None, self.said
            return False

        until(true, seconds=seconds)

    def until_ready(self) -> None:
        """Wait for the lines that end the set-up."""
        self.until_said("is ready after")

    def until_ended(self, *, seconds: float = STARTS) -> int:
        """Return its exit status."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it still runs:\n{self.said}") from None

    def interrupt(self) -> int:
        """Press Ctrl-C; return its exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.until_ended()

    def child(self, word: str) -> int:
        """Return the number of the child that has ``word`` as program or argument."""
        pid = self.process.pid
        for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(OSError):
                parts = Path(f"/proc/{each}/cmdline").read_text().split("\0")
                if word in {part.partition(" ")[0].rpartition("/")[2] for part in parts}:
                    return int(each)
        raise AssertionError(f"no {word}:\n{self.said}")

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Yield a client that is signed in to the API as admin."""
        address = f"http://127.0.0.1:{self.checkout.port}"
        with httpx.Client(base_url=address, timeout=20) as client:
            answer = client.post(
                "/api/v1/auth/login", json={"username": "admin", "password": "password123"}
            )
            assert answer.status_code == 200, answer.text
            client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            yield client

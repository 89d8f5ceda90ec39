"""Order approval over REST with a bearer token, against a bare WSGI program.

Both run under gunicorn with the settings of production; the same clients, each on a
connection that it keeps, send both the same three requests.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

import jwt

from app.cli.web import command
from app.config import ROOT
from app.db.engine import create_database
from app.db.types import dumps, loads
from app.identity.service import auth_epoch
from tests.bench.approval import GIVEN, KEY, TYPED, person
from tests.bench.clients import Shape, Work
from tests.bench.given import SECRET, Given, best_of
from tests.bench.rows import Row

_SHAPES: Final = (Shape(1, 4), Shape(2, 4), Shape(2, 8))
_PATIENCE: Final = 60.0
_START: Final = {"process_definition_key": KEY, "business_key": "PO-1", "variables": GIVEN}


class Client:
    """One address; each thread keeps a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._local = threading.local()

    def send(self, path: str, body: Any, token: str = "") -> dict[str, Any]:
        """Send a POST; return the answer's JSON."""
        if not hasattr(self._local, "connection"):
            self._local.connection = HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection: HTTPConnection = self._local.connection
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request("POST", path, dumps(body).encode(), headers)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{path}: {answer.status} {data[:500]!r}")
        found: dict[str, Any] = loads(data)
        return found


class Ours(Client):
    """Start, claim, complete as two people."""

    def __init__(self, port: int, tokens: Mapping[str, str]) -> None:
        super().__init__(port)
        self._tokens = tokens

    def once(self) -> None:
        """Run one approval."""
        started = self.send("/api/v1/process-instances", _START, self._tokens["zhao"])
        task = f"/api/v1/tasks/{started['tasks'][0]['id']}"
        self.send(f"{task}/claim", {}, self._tokens["li"])
        done = self.send(f"{task}/complete", {"variables": TYPED}, self._tokens["li"])
        if done["instance"]["status"] != "completed":
            raise AssertionError(f"the instance is {done['instance']}")


class Theirs(Client):
    """The same, where nobody asks who it is."""

    def once(self) -> None:
        """Run one approval."""
        number = self.send("/start", _START)["id"]
        self.send(f"/claim/{number}", {})
        self.send(f"/complete/{number}", {"variables": TYPED})


def run(given: Given) -> list[Row]:
    """Measure both in turns, with the number of clients that suits each best."""
    url = given.database("rest")
    tokens = _tokens(url)
    with (
        _served(given, url, "wsgi:app") as ours,
        _served(given, url, "tests.bench.floor_wsgi:app") as theirs,
    ):
        ours.wait()
        theirs.wait()
        floor, best = best_of(
            given, _SHAPES, partial(_theirs, theirs.port), partial(_ours, ours.port, tokens)
        )
    return [Row("rest", best / floor, {"engine/s": best, "floor/s": floor})]


def _ours(port: int, tokens: Mapping[str, str], _threads: int) -> Work:
    return Ours(port, tokens)


def _theirs(port: int, _threads: int) -> Work:
    return Theirs(port)


def _tokens(url: str) -> dict[str, str]:
    """Return access tokens, made without the cost of a password."""
    db = create_database(url, pool_size=1)
    made = {}
    for name in ("zhao", "li"):
        number = person(db, name).id
        claims = {
            "sub": str(number),
            "epoch": auth_epoch(db, number),
            "jti": f"bench-{number}",
            "family": f"bench-{number}",
            "type": "access",
            "fresh": False,
            "exp": datetime.now(UTC) + timedelta(hours=6),
        }
        made[name] = jwt.encode(claims, SECRET, "HS256")
    db.engine.dispose()
    return made


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def wait(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log.read_text(encoding="utf-8")[-2000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=1)
        with closing(connection), suppress(OSError, HTTPException):
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        return False


@contextmanager
def _served(given: Given, url: str, what: str) -> Iterator[_Server]:
    """Run a program under gunicorn, as `workflow-engine web` does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    handle = listener.fileno()
    *start, _ = command(handle)
    with tempfile.TemporaryDirectory(prefix="wf-bench-web-") as folder:
        settings = given.settings(url) | {"PROMETHEUS_MULTIPROC_DIR": folder}
        with (Path(folder) / "web.log").open("wb") as log:
            process = subprocess.Popen(
                [*start, what],
                cwd=ROOT,
                env=os.environ | settings,
                pass_fds=(handle,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield _Server(process, listener.getsockname()[1], Path(folder) / "web.log")
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # its processes too: nothing is to be kept
            process.wait()
            listener.close()

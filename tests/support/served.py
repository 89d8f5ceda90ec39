"""The demo behind the real web server: gunicorn with two processes, as it is run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import jwt

from app.cli.demo import load_demo
from app.connector.standard import standard_registry
from app.db.engine import create_engine
from app.db.tx import Database
from app.db.types import dumps, loads
from app.definition.cache import DefinitionCache
from app.identity.service import auth_epoch
from app.runtime.ports import Engine
from tests.support import servers
from tests.support.office import SilentWaker
from tests.support.until import until

ROOT = Path(__file__).resolve().parents[2]
STALLED = 2
"""Seconds that a client may be silent; fewer than usual."""
SECRET = "for these tests and nothing else 0123456789"


@dataclass(frozen=True)
class Got:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The JSON in it."""
        return loads(self.text)


def answer_on(connection: socket.socket) -> Got:
    """Read the next answer from a connection."""
    answer = HTTPResponse(connection)
    answer.begin()
    return Got(answer.status, answer.headers, answer.read().decode())


@dataclass
class Served:
    """A running server.

    Args:
        engine: on the same database.
        figures: where the processes share their figures.
    """

    process: subprocess.Popen[bytes]
    port: int
    engine: Engine
    figures: Path
    token: str = ""

    def __call__(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Got:
        """Send one request on a connection of its own.

        Args:
            body: bytes or an iterator of bytes (sent in chunks) as they are, else as JSON.
            token: default: the administrator's.
            headers: names with ``_`` for ``-``.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault("Authorization", f"Bearer {self.token if token is None else token}")
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        data = body if body is None or isinstance(body, bytes | Iterator) else dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, sent, encode_chunked=isinstance(data, Iterator))
            answer = connection.getresponse()
            return Got(answer.status, answer.headers, answer.read().decode())
        finally:
            connection.close()

    def sign_in(self, username: str) -> str:
        """Return an access token of one of the demo's people."""
        body = {"username": username, "password": "password123"}
        return str(self("POST", "/api/v1/auth/login", body).body["access_token"])

    def token_of(self, user_id: int) -> str:
        """Return an access token of anybody, without the cost of a password."""
        claims = {
            "sub": str(user_id),
            "epoch": auth_epoch(self.engine.db, user_id),
            "jti": f"made-for-{user_id}",
            "type": "access",
            "fresh": False,
            "exp": datetime.now(UTC) + timedelta(hours=1),
        }
        return jwt.encode(claims, SECRET, "HS256")

    def raw(self, data: bytes) -> socket.socket:
        """Send bytes, and leave the connection open."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.sendall(data)
        return connection

    def processes(self) -> list[int]:
        """Return the numbers of the web processes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(each) for each in children.split()]


@contextmanager
def served(folder: Path, redis_url: str) -> Iterator[Served]:
    """Run the server on a database of its own; ended afterwards."""
    name = f"served_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    servers.drop_database(name)
    url = servers.create_database(name)
    pool = create_engine(url)
    engine = Engine(
        db=Database(pool),
        services=standard_registry(),
        waker=SilentWaker(),
        definitions=DefinitionCache(),
    )
    load_demo(engine, now=datetime.now(UTC))
    figures = folder / "figures"
    figures.mkdir()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    handle = listener.fileno()
    settings = {
        "APP_MODE": "demo",
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "JWT_SECRET_KEY": SECRET,
        "PROMETHEUS_MULTIPROC_DIR": str(figures),
        "APP_WEB_WORKERS": "2",
        "APP_DATABASE__MAX_OPEN_CONNS": "8",
        "APP_DATABASE__MAX_IDLE_CONNS": "4",
    }
    config = folder / "gunicorn.conf.py"
    usual = (ROOT / "gunicorn.conf.py").read_text(encoding="utf-8")
    config.write_text(f"{usual}\nSTALLED = {STALLED}\n", encoding="utf-8")
    command = [sys.executable, "-m", "gunicorn", "--config", str(config)]
    command += ["--bind", f"fd://{handle}", "wsgi:app"]
    with (folder / "web.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | settings,
            pass_fds=(handle,),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    running = Served(process, listener.getsockname()[1], engine, figures)
    try:
        until(lambda: _ready(running), seconds=60)
        running.token = running.sign_in("admin")
        yield running
    finally:
        process.send_signal(signal.SIGQUIT)  # at once
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        listener.close()
        pool.dispose()
        servers.drop_database(name)


def _ready(server: Served) -> bool:
    if server.process.poll() is not None:
        raise RuntimeError((server.figures.parent / "web.log").read_text(encoding="utf-8"))
    connection = HTTPConnection("127.0.0.1", server.port, timeout=1)
    with closing(connection), suppress(OSError):
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    return False

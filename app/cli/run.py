"""``workflow-engine run``: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Final

from app.cli import places, servers, web
from app.cli.interrupt import Interrupted, Interrupts
from app.cli.lock import Lock
from app.cli.process import Child
from app.cli.say import elapsed, say, tell
from app.cli.supervise import Supervisor
from app.config import Settings

_STAGE: Final = 2
_SECONDS: Final = 22.0
"""Given to requests and jobs in work; the servers under them need the rest of 30."""


def run(settings: Settings) -> int:
    """Start everything and look after it; return the exit status.

    Raises:
        Refused: something cannot be started; nothing is left running.
    """
    lock = Lock()
    up = False
    with Interrupts() as interrupts:
        supervisor = Supervisor()
        try:
            lock.take()
            with web.listen(settings.host, settings.port) as listening:
                _start(settings, supervisor, lock.inherited, listening)
                up = True
                supervisor.watch(interrupts.check)
        except Interrupted:
            say("Stopping …")
        finally:
            interrupts.asked = True  # from here on a signal changes nothing
            supervisor.stop()
            places.DATABASE_URL.unlink(missing_ok=True)
            lock.give_back()
    say("Everything is stopped.")
    return 0 if up else 128 + signal.SIGINT


def _start(settings: Settings, supervisor: Supervisor, lock: int, listening: socket.socket) -> None:
    """Start all of it.

    What needs long to load does so meanwhile: the web processes' code while the servers
    start and the tables are looked after, which they wait for at a gate.
    """
    places.make(places.LOGS)
    wanted = servers.Wanted(settings, lock)
    env = environment(settings, wanted)
    gate, opener = os.pipe()
    try:
        wanted.start(supervisor)
        pages = _web(env, listening.fileno(), gate, lock)
        supervisor.start(pages, stage=_STAGE, seconds=_SECONDS)
        from app.cli import contents

        wanted.wait()
        contents.migrate(wanted.database_url)
        contents.load(settings, wanted.database_url)
    finally:
        os.close(opener)
    say("Starting web, worker and duties …")
    for name, module in (("worker", "app.worker"), ("duties", "app.worker.duties")):
        child = Child(
            name,
            [sys.executable, "-m", module],
            log=places.LOGS / f"{name}.log",
            env=env,
            keep=[lock],
        )
        supervisor.start(child, stage=_STAGE, seconds=_SECONDS)
    web.wait(pages, listening)
    _welcome(settings, contents.logins())


def _web(env: Mapping[str, str], listening: int, gate: int, lock: int) -> Child:
    places.emptied(places.METRICS)
    return Child(
        "web",
        web.command(listening),
        log=places.LOGS / "web.log",
        env={**env, "PROMETHEUS_MULTIPROC_DIR": str(places.METRICS), web.GATE: str(gate)},
        keep=[lock, listening, gate],
    )


def environment(settings: Settings, found: servers.Wanted) -> dict[str, str]:
    """Return the environment of the processes: this one's, with where the servers are."""
    env = dict(os.environ)
    for path in ("APP_CONFIG", "APP_CONNECTORS"):
        if env.get(path):
            env[path] = os.path.abspath(env[path])  # they start in another directory
    return env | {
        "APP_MODE": settings.mode,
        "PORT": str(settings.port),
        "APP_PUBLIC_URL": settings.public_url or web.address(settings.host, settings.port),
        "DATABASE_URL": found.database_url,
        "REDIS_URL": found.redis_url,
        "PYTHONUNBUFFERED": "1",
    }


def _welcome(settings: Settings, logins: str) -> None:
    address = web.address(settings.host, settings.port)
    lines = ["", f"Workflow Engine is ready after {elapsed():.1f} s:  {address}", ""]
    if settings.mode == "demo":
        lines.append(f"  Sign in as   {logins}")
    lines += [
        f"  REST API     {address}/swagger/index.html",
        f"  Logs         {places.shown(places.LOGS)}/",
        "  Stop         Ctrl-C; the data stays",
        "",
    ]
    tell("\n".join(lines))

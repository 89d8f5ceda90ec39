"""Starts of a checkout's command line that need no second for imports.

One process of the checkout has imported what a start needs, and forks for each start. What
runs in the fork is the module that ``python -m`` would run, with an environment, output and
signals of its own. This file is also that process's program: it imports nothing of the tests.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PRELOADED = (
    "app.adapters.redis_reach",
    "app.cli.contents",
    "app.cli.migrate",
    "app.cli.run",
    "app.db.upkeep",
)


class Cradle:
    """The process that forks.

    Args:
        folder: the checkout, whose modules it imports.
        env: its environment.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair()
        self._lines = self._ours.makefile("r", encoding="ascii")
        self._statuses: dict[int, int] = {}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno()), *_PRELOADED],
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env={**env, "PYTHONPATH": str(folder)},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def born(self, arguments: Sequence[str], *, env: Mapping[str, str], out: Path) -> Born:
        """Start a program.

        Args:
            arguments: as after ``python -m``.
            env: the whole environment.
            out: takes what it says.
        """
        order = {"arguments": list(arguments), "env": dict(env), "out": str(out)}
        self._ours.sendall(json.dumps(order).encode() + b"\n")
        while True:
            said = self._next()
            if len(said) == 1:
                return Born(self, said[0])

    def status(self, pid: int, seconds: float | None) -> int | None:
        """Return with what status a process ended, negative for a signal; None: it runs.

        Args:
            seconds: to wait for its end; None: for ever.
        """
        while pid not in self._statuses:
            if not select.select([self._ours], [], [], seconds)[0]:
                return None
            self._next()
        return self._statuses[pid]

    def close(self) -> None:
        """End it; what it has started goes on."""
        self._lines.close()
        self._ours.close()
        self._process.wait()

    def _next(self) -> list[int]:
        said: list[int] = json.loads(self._lines.readline())
        if len(said) == 2:
            self._statuses[said[0]] = said[1]
        return said


class Born:
    """One process; what ``subprocess.Popen`` offers of it."""

    def __init__(self, cradle: Cradle, pid: int) -> None:
        self._cradle = cradle
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._cradle.status(self.pid, 0)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        status = self._cradle.status(self.pid, timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _serve(talk: socket.socket) -> None:
    """Fork for each line that comes; tell numbers of processes, and how they ended."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    lines = talk.makefile("r", encoding="ascii")
    while True:
        ready, _, _ = select.select([talk, woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            for ended in _ended():
                _tell(talk, ended)
        if talk in ready:
            line = lines.readline()
            if not line:
                return
            number = os.fork()
            if not number:
                _live(json.loads(line))
                return
            _tell(talk, [number])


def _ended() -> list[list[int]]:
    ended = []
    while True:
        try:
            number, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not number:
            return ended
        ended.append([number, os.waitstatus_to_exitcode(status)])


def _tell(talk: socket.socket, numbers: list[int]) -> None:
    talk.sendall(json.dumps(numbers).encode() + b"\n")


def _live(order: dict[str, Any]) -> None:
    """Become the program; runs in the new process."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    out = os.open(order["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.closerange(3, out + 256)
    os.environ.clear()
    os.environ.update(order["env"])
    module, *sys.argv[1:] = order["arguments"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for _name in sys.argv[2:]:
        importlib.import_module(_name)
    gc.freeze()  # what was imported is no garbage: no fork needs to look through it at its end
    _serve(socket.socket(fileno=int(sys.argv[1])))

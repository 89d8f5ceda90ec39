"""Processes that need no second to start: children of one that has imported everything.

Each is a process of its own, with its own environment, session, output and connections, and
what runs in it is the very module that ``python -m`` would run. Only interpreter and imports
are shared, as gunicorn's processes share them.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import importlib
import multiprocessing
import os
import runpy
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from app.config import ROOT
from app.db import faults

_PRELOADED = (
    "app.factory",
    "app.worker.__main__",
    "app.worker.duties",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "kombu.transport.redis",
)
_PR_SET_PDEATHSIG = 1
_HIGH = 200
"""No descriptor that a program asks for has such a number."""


class Born:
    """One process; what ``subprocess.Popen`` offers of it.

    Args:
        arguments: as after ``python -m``.
        env: the whole environment.
        out: takes what it says.
        handles: descriptors of sockets that it inherits under the same numbers.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        out: Path,
        handles: Sequence[int] = (),
    ) -> None:
        sockets = {handle: socket.socket(fileno=os.dup(handle)) for handle in handles}
        self._process: BaseProcess = _context().Process(
            target=_live, args=(list(arguments), dict(env), str(out), sockets)
        )
        self._process.start()
        for each in sockets.values():
            each.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Return the exit status.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return status


def prepare() -> None:
    """Begin to import, in a process of its own, while others are set up; returns at once."""
    _context()
    forkserver.ensure_running()


@cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_PRELOADED])
    return context


def _live(
    arguments: list[str], env: dict[str, str], out: str, sockets: dict[int, socket.socket]
) -> None:
    """Become the program; runs in the new process."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    given = {
        handle: fcntl.fcntl(each.detach(), fcntl.F_DUPFD, _HIGH) for handle, each in sockets.items()
    }
    log = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for wanted, had in {1: log, 2: log, **given}.items():
        os.dup2(had, wanted, inheritable=True)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    importlib.reload(faults)  # it looks at the environment when it is imported
    module, *sys.argv[1:] = arguments
    gc.freeze()  # what was imported is no garbage: no need to look through it at the end
    warnings.filterwarnings("ignore", message=".*found in sys.modules")  # it was preloaded
    runpy.run_module(module, run_name="__main__", alter_sys=True)

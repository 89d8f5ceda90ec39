"""A process of the launcher's: it ends with the launcher, whatever ends that."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from app.config import ROOT

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LOG_BYTES: Final = 20 * 1024 * 1024
_ASKING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRAVE: Final = ("FATAL", "PANIC", "error:")
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Make grandchildren whose parent dies children of this process (Linux ≥ 3.4)."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Child:
    """One process, which can be started again and again.

    Args:
        name: as people call it.
        command: the program and its arguments.
        log: the file that its output is added to.
        env: its whole environment.
        farewell: the signal that asks it to end by itself.
        keep: file descriptors that it inherits.
        before: done before each start.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        farewell: signal.Signals = signal.SIGTERM,
        keep: Sequence[int] = (),
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._env = dict(env)
        self._farewell = farewell
        self._keep = tuple(keep)
        self._before = before
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    def start(self) -> None:
        """Start it, in a session of its own: a Ctrl-C in the terminal is not for it."""
        self._before()
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as out, _undisturbed():
            self._log_from = out.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the launcher's own commands
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env=self._env,
                pass_fds=self._keep,
                start_new_session=True,
                preexec_fn=_ends_with(os.getpid(), self._farewell),
            )

    @property
    def pid(self) -> int | None:
        """Its number; None before the first start."""
        return self._process.pid if self._process else None

    def ended(self) -> int | None:
        """Return its exit status (negative: the signal); None while it runs."""
        return self._process.poll() if self._process else None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def ask_to_end(self) -> None:
        """Send its farewell signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._farewell)

    def end_group(self) -> None:
        """Ask what it has left behind in its process group to end."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and its process group at once."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def last_words(self) -> str:
        """Return the line of its log, since the last start, that says best why it ended."""
        with suppress(OSError), self.log.open("rb") as file:
            file.seek(self._log_from)
            text = file.read(_LOG_BYTES).decode("utf-8", "replace")
            lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
            grave = [line for line in lines if any(word in line for word in _GRAVE)]
            if lines:
                return (grave or lines)[-1][:300]
        return "it said nothing"


def how(status: int) -> str:
    """Put an exit status into words."""
    if status >= 0:
        return f"exit status {status}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-status).name}"
    return f"killed by signal {-status}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait: one that comes within a fork would be lost, or leave an unknown child."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ends_with(parent: int, number: signal.Signals) -> Callable[[], None]:
    def set_up() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask to be told
            os._exit(1)
        for each in _ASKING:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKING)

    return set_up

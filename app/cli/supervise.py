"""Watches the launcher's processes, starts again what dies, and stops all of it in order."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.cli import places
from app.cli.process import Child, adopt_orphans, how
from app.cli.say import say

LOOK: Final = 0.1
"""Seconds between two looks at the processes."""
FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 30.0
HEALTHY: Final = 60.0
"""Seconds of life after which an earlier death is forgiven."""


@dataclass
class _Watched:
    child: Child
    stage: int
    seconds: float
    deaths: int = 0
    started: float = 0.0
    again_at: float | None = None


@dataclass
class Supervisor:
    """Keeps processes running.

    Args:
        monotonic: seconds that only go forward.
    """

    monotonic: Callable[[], float] = time.monotonic
    _watched: list[_Watched] = field(default_factory=list)

    def __post_init__(self) -> None:
        adopt_orphans()

    def start(self, child: Child, *, stage: int, seconds: float) -> None:
        """Start a process and watch it from now on.

        Args:
            stage: what others stand on has the lower number, and is stopped after them.
            seconds: it is given to end by itself, later.
        """
        watched = _Watched(child, stage, seconds, started=self.monotonic())
        self._watched.append(watched)
        child.start()

    def watch(self, check: Callable[[], None]) -> None:
        """Look after the processes until ``check`` raises."""
        while True:
            check()
            self.look()
            time.sleep(LOOK)

    def look(self) -> None:
        """Start again what died, when its time has come."""
        for each in self._watched:
            status = each.child.ended()
            if status is None:
                continue
            if each.again_at is None:
                self._mourn(each, status)
            elif self.monotonic() >= each.again_at:
                each.again_at = None
                each.started = self.monotonic()
                each.child.start()
                say(f"{each.child.name} is started again (process {each.child.pid}).")
        self._reap_adopted()

    def stop(self) -> None:
        """End everything; what does not end in its time is killed. Leaves no process."""
        for stage in sorted({each.stage for each in self._watched}, reverse=True):
            _stop([each for each in self._watched if each.stage == stage])
        self._watched.clear()
        _end_rest()

    def _mourn(self, each: _Watched, status: int) -> None:
        if self.monotonic() - each.started > HEALTHY:
            each.deaths = 0
        delay = min(FIRST_DELAY * 2**each.deaths, LONGEST_DELAY)
        each.deaths += 1
        each.again_at = self.monotonic() + delay
        each.child.end_group()
        said = "" if status < 0 else f" «{each.child.last_words()}»"
        say(
            f"{each.child.name} died ({how(status)}){said}; it is started again in {delay:g} s."
            f" Log: {places.shown(each.child.log)}"
        )

    def _reap_adopted(self) -> None:
        """Bury orphans that became ours; the children's own endings are theirs to see."""
        known = {each.child.pid for each in self._watched}
        with suppress(ChildProcessError):
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid in known:
                    return
                os.waitpid(found.si_pid, 0)


def _stop(group: list[_Watched]) -> None:
    for each in group:
        each.child.ask_to_end()
    deadline = time.monotonic() + max(each.seconds for each in group)
    while any(each.child.runs for each in group) and time.monotonic() < deadline:
        time.sleep(0.02)
    for each in group:
        if each.child.runs:
            say(f"{each.child.name} did not end in {each.seconds:g} s and is killed.")
        each.child.kill()


def _end_rest() -> None:
    """Kill what processes have left behind: as orphans they are this process's own."""
    while True:
        for pid in _children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:  # a kernel without this list; the children's groups were ended before
        return []
    return [int(pid) for pid in text.split()]

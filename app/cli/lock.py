"""One launcher in a checkout, and none while processes of the one before still end."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from app.cli import places
from app.cli.say import Refused, say

_LAUNCHER: Final = places.RUN / "launcher.lock"
_CHILDREN: Final = places.RUN / "children.lock"
_PATIENCE: Final = 35.0
"""Seconds for the children of a killed launcher to end; they are given 30."""


class Lock:
    """Held by this process, and by its children as long as any of them lives.

    Children inherit the second of two locks. Whoever holds both knows that no PostgreSQL
    of this checkout runs, even after its launcher was killed.
    """

    def __init__(self) -> None:
        self._launcher = -1
        self.inherited = -1
        """To be handed to every child."""

    def take(self) -> None:
        """Take both.

        Raises:
            Refused: another launcher runs here, or its children do not end.
        """
        places.make(places.RUN)
        self._launcher = _open(_LAUNCHER)
        if not _free(self._launcher):
            raise Refused(
                f"workflow-engine already runs in this checkout (process {_holder()}); stop it"
                " with Ctrl-C or kill, or use another clone."
            )
        os.ftruncate(self._launcher, 0)
        os.write(self._launcher, str(os.getpid()).encode())
        self.inherited = _open(_CHILDREN)
        deadline = time.monotonic() + _PATIENCE
        told = False
        while not _free(self.inherited):
            if time.monotonic() > deadline:
                raise Refused(
                    "Processes of an earlier run do not end; end those that"
                    f" `fuser {places.shown(_CHILDREN)}` lists, then start again."
                )
            if not told:
                say("Waiting for processes of an earlier run to end …")
                told = True
            time.sleep(0.05)

    def give_back(self) -> None:
        """Release what is held."""
        for handle in (self.inherited, self._launcher):
            if handle >= 0:
                os.close(handle)
        self.inherited = self._launcher = -1


def launcher_runs() -> bool:
    """Say whether a launcher runs in this checkout now."""
    try:
        handle = os.open(_LAUNCHER, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _free(handle)
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Refused(
            f"{places.shown(path)} cannot be opened ({error.strerror}); start as the user"
            f" who owns {places.shown(places.VAR)}."
        ) from None


def _free(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder() -> str:
    return _LAUNCHER.read_text(encoding="ascii").strip() or "?"

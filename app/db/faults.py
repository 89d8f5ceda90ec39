"""Named points at which a test kills the process, to show that nothing is lost there.

``FAULT_FILE`` in the environment names a file that a test may write: ``<point> <number>``.
The process then kills itself at that point as ``kill -9`` would, once, after it has passed
it unharmed that many times. Without the variable nothing happens. They are here because two
of them are about the commit; the worker has the others.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Final

POINTS: Final = ("after_lease", "after_connector", "before_commit", "after_commit")
_FILE: Final = os.environ.get("FAULT_FILE")
_one_counts: Final = threading.Lock()


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if _FILE is not None:
        with _one_counts:
            _look(Path(_FILE), name)


def _look(file: Path, name: str) -> None:
    try:
        armed, passes = file.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return
    if armed != name:
        return
    if int(passes):
        file.write_text(f"{armed} {int(passes) - 1}", encoding="ascii")
        return
    file.unlink()
    os.kill(os.getpid(), signal.SIGKILL)

"""Named points at which a test kills the process, to show that nothing is lost there.

``FAULT_POINT=<name>`` in the environment arms one of them: the process kills itself
there as ``kill -9`` would, once, when the file ``FAULT_FILE`` can be removed; a number in
the file says how often it passes the point unharmed before. Without both nothing happens.
They are here because two of them are about the commit; the worker has the others.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Final

POINTS: Final = ("after_lease", "after_connector", "before_commit", "after_commit")
_ARMED: Final = os.environ.get("FAULT_POINT")
_FILE: Final = os.environ.get("FAULT_FILE")
_one_counts: Final = threading.Lock()


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if name != _ARMED or _FILE is None:
        return
    with _one_counts:
        try:
            passes = int(Path(_FILE).read_text(encoding="ascii") or 0)
            if passes:
                Path(_FILE).write_text(str(passes - 1), encoding="ascii")
                return
            os.unlink(_FILE)
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)

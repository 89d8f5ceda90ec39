"""Named points at which a test kills the process, to show that nothing is lost there.

``FAULT_POINT=<name>`` in the environment arms one of them: the process kills itself
there as ``kill -9`` would, once, when the file ``FAULT_FILE`` can be removed. Without
both nothing happens. They are here because two of them are about the commit; the worker
has the others.
"""

from __future__ import annotations

import os
import signal
from typing import Final

POINTS: Final = ("after_lease", "after_connector", "before_commit", "after_commit")
_ARMED: Final = os.environ.get("FAULT_POINT")
_FILE: Final = os.environ.get("FAULT_FILE")


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if name != _ARMED or _FILE is None:
        return
    try:
        os.unlink(_FILE)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)

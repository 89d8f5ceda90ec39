"""Waiting for what another thread or process does: poll, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def until(true: Callable[[], Any], *, seconds: float = 20, every: float = 0.02) -> Any:
    """Return the first true answer of ``true``; fail if there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = true()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s")
        time.sleep(every)

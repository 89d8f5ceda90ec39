"""What a duty is: something to be done every so often, by one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.runtime.ports import Engine


@dataclass(frozen=True, slots=True)
class Duty:
    """One background duty; doing it twice is harmless.

    Args:
        name: for the log.
        every: how long to wait after it was done.
        run: does it; returns how many rows it was about.
    """

    name: str
    every: timedelta
    run: Callable[[Engine, datetime], int]

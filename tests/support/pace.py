"""Limits of time for what a hostile input could make slow."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import process_time

SLACK = 5
"""A shared machine takes several times as long; what has no bound takes a thousand times."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail if what is inside takes longer, counted in time of this process's CPU.

    A tracer (coverage, a debugger) makes everything slower; then there is no limit.
    """
    started = process_time()
    yield
    took = process_time() - started
    assert sys.gettrace() is not None or took <= SLACK * seconds, f"took {took:.3f} s"

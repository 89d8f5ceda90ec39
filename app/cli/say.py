"""What the command line says to a person."""

from __future__ import annotations

import sys
import time

_BEGAN = time.monotonic()


class Refused(Exception):
    """It cannot go on; the text is one sentence with what is wrong and the remedy."""


def say(text: str) -> None:
    """Print a line of progress, with the seconds since the start."""
    sys.stdout.write(f"{elapsed():6.1f} s  {text}\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Print lines that stand for themselves."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def elapsed() -> float:
    """Return the seconds since the start."""
    return time.monotonic() - _BEGAN

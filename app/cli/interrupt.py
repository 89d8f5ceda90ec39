"""Ctrl-C and SIGTERM as an exception, so that they end whatever is going on."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any, Final


class Interrupted(BaseException):
    """A person or the system asks for the end."""


class Interrupts:
    """While entered, the first signal raises ``Interrupted``; further ones change nothing."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        for number in _signals():
            self._before[number] = signal.signal(number, self._raise)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise if the end was asked for where nobody could be told of it."""
        if self.asked:
            raise Interrupted

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        if not self.asked:
            self.asked = True
            raise Interrupted


_ALWAYS: Final = (signal.SIGINT, signal.SIGTERM)


def _signals() -> tuple[signal.Signals, ...]:
    """A closed terminal counts too, unless nohup said that it does not."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return _ALWAYS
    return (*_ALWAYS, signal.SIGHUP)

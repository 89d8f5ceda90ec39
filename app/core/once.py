"""What can be said of an immutable value is worked out once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Of = TypeVar("Of")
Said = TypeVar("Said")


def once(work: Callable[[Of], Said]) -> Callable[[Of], Said]:
    """Let a function of one immutable value answer from memory after the first time.

    The answer is kept in the value itself (which must have a ``__dict__``), so that it goes
    with it; ``functools.cache`` would keep both for ever, and ask for a hash. Whoever gets
    it must not change it.
    """
    name = f"once {work.__module__}.{work.__qualname__}"

    @wraps(work)
    def known(of: Of) -> Said:
        kept: dict[str, Any] = of.__dict__
        if name in kept:
            said: Said = kept[name]
            return said
        said = kept[name] = work(of)
        return said

    return known

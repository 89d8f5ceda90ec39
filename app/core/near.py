"""“Did you mean …?”, within bounds: comparing is slow, and a document may be all mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_COMPARISONS: Final = 3_000
"""Of one check; what is left unsuggested beyond is still reported."""
_LONGEST: Final = 80


class Near:
    """Finds the known name that a wrong one is nearest to."""

    def __init__(self) -> None:
        self._left = _COMPARISONS

    def to(self, name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
        """Return the nearest known name, if any is near.

        Args:
            likeness: 0 to 1, see ``difflib``.
        """
        if len(name) > _LONGEST:
            return None
        letters = set(name)
        candidates = []
        for other in known:
            if self._left <= 0:
                break
            longest = max(len(name), len(other))
            if min(len(name), len(other)) >= likeness / 2 * longest and letters & set(other):
                candidates.append(other)
                self._left -= 1
        found = difflib.get_close_matches(name, candidates, 1, likeness)
        return found[0] if found else None

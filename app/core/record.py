"""Immutable values that cost no more to make than any other object.

A frozen dataclass sets each field by ``object.__setattr__``, which takes several times as
long as a plain assignment; a step makes some twenty of these values. So that they are
frozen is checked by mypy alone: it reads the true ``dataclass``, and refuses every
assignment. At run time they only lack the trap; equality and hash are those of a frozen one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    import dataclasses

    def dataclass(*, frozen, **rest):
        """Make a class whose objects count as frozen."""
        if not frozen:
            raise TypeError("what is not frozen takes the dataclass of the standard library")
        return dataclasses.dataclass(unsafe_hash=True, **rest)


__all__ = ["dataclass"]

"""An instance that is locked, and what became of an event that happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.definition import Definition
from app.core.state import State
from app.runtime.plan import Plan
from app.runtime.row import InstanceRow, row_of


@dataclass(frozen=True, slots=True)
class Locked:
    """An instance whose row is locked until the transaction ends."""

    row: Mapping[str, Any]
    definition: Definition
    state: State

    @property
    def instance(self) -> InstanceRow:
        """The row as readers see it."""
        return row_of(self.row)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of an event.

    Args:
        instance: as it is now.
        ignored: why nothing happened (a duplicate, too late, suspended); else None.
        opened: rows of the tasks that are open because of it.
        plan: everything that was decided.
    """

    instance: InstanceRow
    ignored: str | None
    opened: tuple[Mapping[str, Any], ...] = ()
    plan: Plan | None = None

"""By whose return a task ended that nobody has decided: its own, or one of a step beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core.definition import Definition
from app.db.wire import Statement

Row = Mapping[str, Any]

_RETURNED: Final = """
select by, step from rounds where instance_id = %(instance)s and at = %(at)s and step is not null
"""


def asking(task: Row) -> list[Statement]:
    """Return what asks for it; nothing for a task that is live or was decided."""
    if task["state"] != "cancelled" or task["decided_by"]:
        return []
    return [(_RETURNED, {"instance": task["instance_id"], "at": task["completed_at"]})]


def read(definition: Definition, found: Row | None) -> dict[str, Any] | None:
    """Return who returned which step, as ``{by, step: {id, name}}``; None: nobody has."""
    if found is None:
        return None
    known = definition.by_id.get(found["step"])
    name = known.name if known is not None else None
    return {"by": found["by"], "step": {"id": found["step"], "name": name}}

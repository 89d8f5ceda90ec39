"""Who got a copy of a task's instance, and whether they have read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.db.wire import Statement

MOST: Final = 100
"""People that are told of."""
_OF: Final = f"""
select username as "user", min(at) as at, max(read_at) as read_at
  from copies where instance_id = %(id)s group by username order by min(id) limit {MOST}
"""  # noqa: S608 - a number of ours


def asking(task: Mapping[str, Any]) -> list[Statement]:
    """Return what asks for ``{user, at, read_at}`` of each, those who got theirs first first."""
    return [(_OF, {"id": task["instance_id"]})]

"""What expressions of a waiting step see, for who asks while it waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.definition import Definition
from app.core.events import TaskCompleted
from app.core.run import Run
from app.core.seeing import visit
from app.core.state import State


def scope_of(definition: Definition, state: State, wait: int, now: datetime) -> Mapping[str, Any]:
    """Return the variables, facts and completed steps that the token with ``wait`` sees.

    Empty if nobody waits with it any more.
    """
    waits = (token.wait for token in state.tokens)
    if not any(found is not None and found.id == wait for found in waits):
        return {}
    run = Run(definition, state, TaskCompleted(at=now, by="", wait=wait))
    return visit(run, run.waiting(wait)).scope

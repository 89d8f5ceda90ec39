"""A stored instance as its readers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core.state import State
from app.errors import Phrase

STATUS_WORDS: Final = {
    "completed": Phrase("completed"),
    "terminated": Phrase("terminated"),
    "withdrawn": Phrase("withdrawn"),
    "failed": Phrase("failed"),
}
"""How an instance has ended, as a refusal says it."""


@dataclass(frozen=True, slots=True)
class InstanceRow:
    """One run of a definition.

    Args:
        status: running, suspended, completed, terminated or failed.
        result: how it ended, for an ended one.
        incident_count: open incidents; a flag beside the status.
        started_by: a username.
    """

    id: int
    definition_id: int
    business_key: str | None
    title: str
    status: str
    result: str | None
    variables: Mapping[str, Any]
    incident_count: int
    started_by: str
    started_at: datetime
    ended_at: datetime | None


def row_of(row: Mapping[str, Any]) -> InstanceRow:
    """Make it of a database row that has (at least) these columns."""
    return InstanceRow(
        id=row["id"],
        definition_id=row["definition_id"],
        business_key=row["business_key"],
        title=row["title"],
        status=row["status"],
        result=row["result"],
        variables=row["variables"],
        incident_count=row["incident_count"],
        started_by=row["started_by"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


def open_incidents(state: State) -> int:
    """Return how many tokens wait for an operator."""
    return sum(1 for token in state.tokens if token.wait and token.wait.kind == "incident")

"""What answers tell of those who were asked about a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.api.body import Body

Role = Literal["delegate", "consult", "before", "after"]
Answered = Literal["approve", "reject"]


class Opinion(Body):
    """What somebody was asked about a task, and what they said."""

    id: int = Field(description="Of their own task.")
    role: Role
    user: str
    asked_by: str
    asked: str | None
    asked_at: datetime
    state: str
    answered_at: datetime | None
    outcome: Answered | None
    comment: str | None
    values: dict[str, Any]
    reason: str | None = Field(
        description="Why it was withdrawn: pulled_back, withdrawn, removed, decided, refused;"
        " or as its instance."
    )
    removable: bool = Field(description="Whether the caller may withdraw it alone.")


class Asked(Body):
    """What the task asks of who has it."""

    task_id: int = Field(description="The task that it serves.")
    by: str
    text: str | None


class Decision(Body):
    """A decision that is applied when all who were added have signed."""

    by: str
    on_behalf_of: str | None = Field(None, description="Who was away, if somebody stood in.")
    at: datetime
    values: dict[str, Any]
    outcome: str | None
    comment: str | None
    form: list[dict[str, Any]] = Field(description="What the values are of.")
    outcomes: list[dict[str, Any]]

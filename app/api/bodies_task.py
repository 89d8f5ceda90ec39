"""What answers hold of one task: its surroundings, those who decide it, what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.api.bodies import (
    Body,
    Candidates,
    Draft,
    InstanceRef,
    Label,
    StepRef,
    Task,
    TaskComment,
    Variable,
)
from app.api.bodies_asked import Asked, Decision, Opinion
from app.api.bodies_back import ReturnedBefore, WayBack


class Counts(Body):
    """How those stand who decide a step together."""

    mode: str = Field(description="any, all, ratio or sequential.")
    needed: int = Field(description="How many have to approve.")
    total: int
    approved: int
    rejected: int


class Seat(Body):
    """One of those who decide a step together."""

    task_id: int | None = Field(description="None while their turn has not come.")
    user: str | None = Field(description="Who has or has decided it; None: nobody yet.")
    candidates: Candidates
    state: str = Field(description="open, claimed, completed, cancelled or waiting.")
    outcome: str | None
    approved: bool | None
    counted: bool = Field(description="False: a manager decided it in the place of others.")
    comment: str | None
    at: datetime | None = Field(description="When it was decided, or withdrawn.")
    added_by: str | None = Field(description="Who added this seat.")
    decided_by: str | None = Field(description="Whose vote withdrew it.")
    removable: bool = Field(description="Whether the caller may take it away.")


class Visit(Counts):
    """Those who decide a step together, and what they came to."""

    decided: bool | None = Field(description="Whether they approved; None while it is open.")
    as_manager: Literal["not_counted", "decides"] | None = Field(
        description="What the caller's decision would be who has taken this seat as a manager."
    )
    seats: list[Seat]


class EndedBy(Body):
    """Who returned which step: this one, or one beside it."""

    by: str
    step: StepRef


class CopySeen(Body):
    """Somebody who got a copy of something on the instance."""

    user: str
    at: datetime
    read_at: datetime | None


class TaskDetail(Task):
    """A task with what surrounds it."""

    variables: list[Variable]
    draft: Draft | None
    copies: list[CopySeen] = Field(description="Who got a copy, and when they read it.")
    comments: list[TaskComment] = Field(description="On the instance, the oldest first.")
    instructions: Label | None = Field(description="What to do, in markdown.")
    withheld: list[str] = Field(
        description="Fields with a value that the caller may not see: left empty, it stays."
    )
    people: dict[str, str] = Field(description="Usernames and what the people are called.")
    visit: Visit | None = Field(description="How those stand who decide it together.")
    return_to: list[WayBack] = Field(description="The nearest first; empty if it cannot be.")
    ended_by: EndedBy | None = Field(description="Of a task that ended undecided by a return.")
    returned: ReturnedBefore | None = Field(description="From the second round on.")
    opinions: list[Opinion] = Field(description="What others were asked, the oldest first.")
    asked: Asked | None = Field(description="Of a side task: who asks for what.")
    decision: Decision | None = Field(description="What waits for signatures.")


class CompletedTask(Task):
    """The task as it is now, and what came of completing it."""

    instance: InstanceRef
    next: list[Task]
    counts: Counts | None = Field(
        description="Where several people decide: how it stands with this vote."
    )

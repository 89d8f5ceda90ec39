"""What requests and answers hold about returning a task."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.api.body import Body, Label, StepRef
from app.api.payloads import Comment, Request, ShortText


class ReturnTask(Request):
    """Where a task is returned to, how it goes on from there, and why."""

    to: ShortText = Field(description="`previous`, `initiator`, or the id of a step.")
    resume: Literal["walk_again", "straight_back"] = "walk_again"
    comment: Comment | None = None


class WayBack(Body):
    """Where a task can be returned to."""

    step: StepRef
    by: str = Field(description="Who gets it.")
    previous: bool = Field(description="Whether it is what `previous` means.")
    initiator: bool = Field(description="Whether it is what `initiator` means.")
    straight_back: bool = Field(description="Whether it could come straight back.")
    cancels: list[StepRef] = Field(description="Steps whose open work would be cancelled, too.")


class Change(Body):
    """A value that has changed since the task was decided last."""

    name: str
    label: Label | None
    type: str
    options: Any
    columns: Any
    before: Any
    after: Any


class DecidesAgain(Body):
    """A step that is decided once more after this one, and who did it before."""

    step: StepRef
    by: str


class Opinion(Body):
    """What was decided in an earlier round and does not count any more."""

    step: StepRef
    round: int
    by: str
    on_behalf_of: str | None
    at: datetime
    outcome: str | None
    outcomes: list[Any]
    values: dict[str, Any]
    form: list[Any]
    comment: str | None


class ReturnedBefore(Body):
    """Why a task is decided once more, and what has changed."""

    by: str
    at: datetime
    reason: str | None
    from_: StepRef | None = Field(alias="from", description="null: the initiator took it back.")
    to: StepRef
    round: int
    changes: list[Change]
    again: list[DecidesAgain]
    opinions: list[Opinion]

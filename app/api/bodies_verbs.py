"""What answers hold about comments, copies and notifications, and what their requests hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.api.bodies import Body, Label, StepRef, TaskComment
from app.api.payloads import Comment, Id, Request, ShortText, Window

Usernames = Annotated[list[ShortText], Field(max_length=50, description="Usernames.")]
Told = Literal["page", "mail", "digest", "none"]


class GiveTask(Request):
    """Who gets it, and why."""

    to: ShortText = Field(description="A username.")
    comment: Comment | None = None


class HandOver(Request):
    """Whose tasks go to whom, and why."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    of: ShortText = Field(alias="from", description="The username of who has them.")
    to: ShortText = Field(description="A username.")
    comment: Comment | None = None


class CopyTask(Request):
    """Who gets a copy, and what they are told."""

    users: Usernames
    comment: Comment | None = None


class CommentText(Request):
    """What is said; `@username` mentions somebody."""

    text: Annotated[str, StringConstraints(max_length=20_000)]


class NewComment(CommentText):
    """What is said, and what is attached; without a text there are files."""

    files: Annotated[
        list[Id],
        Field(max_length=10, description="Ids of what was uploaded for this task's comments."),
    ] = []


class AttachQuery(Request):
    """What the file is called."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Read(Request):
    """What was read; without `ids` everything."""

    ids: Annotated[list[Id], Field(max_length=200)] | None = None


class Choices(Request):
    """How to be told of each kind of event; what is left out stays as it is."""

    task: Told | None = None
    transferred: Told | None = None
    asked: Told | None = None
    answered: Told | None = None
    unasked: Told | None = None
    returned: Told | None = None
    withdrawn: Told | None = None
    mentioned: Told | None = None
    reminded: Told | None = None
    overdue: Told | None = None
    copied: Told | None = None
    unassigned: Told | None = None
    substitute: Told | None = None
    absence: Told | None = None
    digest_hour: Annotated[
        int | None,
        Field(ge=0, le=23, description="When the mail of the day comes, in the caller's zone."),
    ] = None


class NoticeQuery(Window):
    """Which notifications or copies to list."""

    unread: bool = False
    after: ShortText | None = None


class Comments(Body):
    """The comments on a task's instance, the oldest first."""

    items: list[TaskComment]


class HandedOverTask(Body):
    """What became of one task."""

    id: int
    ok: bool
    status: int
    problem: dict[str, object] | None = None


class HandedOver(Body):
    """What became of each task."""

    results: list[HandedOverTask]
    done: int
    failed: int
    left: int = Field(description="Live tasks that the person still has.")


class AbsenceTold(Body):
    """What a notification says of an absence, as it was then."""

    change: str = Field(description="set, changed or ended.")
    user: str = Field(description="Who is away.")
    substitute: str
    from_: datetime = Field(alias="from")
    until: datetime


class Notification(Body):
    """What somebody was told."""

    id: int
    event: str = Field(description="What happened: a word of the choices, or ended.")
    process_instance_id: int | None = Field(description="Null of an absence.")
    task_id: int | None
    title: str | None
    step: StepRef | None
    by: str
    text: str | None
    absence: AbsenceTold | None = None
    at: datetime
    read_at: datetime | None


class DefinitionName(Body):
    """Which definition it is."""

    key: str
    name: Label


class Copy(Body):
    """A task that was copied to somebody."""

    id: int
    process_instance_id: int
    task_id: int
    title: str
    business_key: str | None
    definition: DefinitionName
    instance_status: str
    step: StepRef
    started_by: str
    by: str
    comment: str | None
    at: datetime
    read_at: datetime | None


class Unread(Body):
    """How many notifications were not read; 100 stands for more."""

    unread: int


class Chosen(BaseModel):
    """How the caller is told of each kind of event."""

    model_config = ConfigDict(extra="forbid")

    task: Told
    transferred: Told
    asked: Told
    answered: Told
    unasked: Told
    returned: Told
    withdrawn: Told
    mentioned: Told
    reminded: Told
    overdue: Told
    copied: Told
    unassigned: Told
    substitute: Told
    absence: Told
    digest_hour: int

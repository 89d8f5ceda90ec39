"""What answers hold, for the OpenAPI document; tests check real answers against these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from app.api.body import Body as Body
from app.api.body import Label as Label
from app.api.body import StepRef as StepRef

Item = TypeVar("Item")


class User(Body):
    """Who someone is."""

    id: int
    username: str
    name: str
    email: str | None
    groups: list[str]
    roles: list[str]
    permissions: list[str]
    language: str | None
    timezone: str | None


class Tokens(Body):
    """What a sign-in gives."""

    access_token: str
    token_type: str
    expires_in: int = Field(description="Seconds the access token is valid.")
    refresh_token: str
    user: User


class DefinitionSummary(Body):
    """A definition in a list."""

    id: int
    key: str
    version: str
    name: str
    names: Label
    description: str | None
    status: str
    created_by: str
    created_at: datetime
    changed_at: datetime


class Definition(DefinitionSummary):
    """A definition with its document."""

    checksum: str
    config: dict[str, Any]
    warnings: list[Finding] = Field(default_factory=list)


class DefinitionVersions(Body):
    """All versions of a definition, the newest first."""

    items: list[DefinitionSummary]


class Finding(Body):
    """Something the checker says about a document."""

    code: str
    severity: str
    pointer: str
    line: int | None
    column: int | None
    message: str
    hint: str | None = None
    witness: Any = None


class Check(Body):
    """Whether a document could be stored, and everything that is to say about it."""

    valid: bool
    findings: list[Finding]


class DefinitionRef(Body):
    """Which definition an instance runs."""

    id: int
    key: str
    name: Label
    version: str


class Awaited(Body):
    """What may let a token go on by itself: a clock, a message, the end of a child."""

    kind: str
    boundary: int | None = Field(
        description="Which of the step's boundaries or events; -1: its own limit; null: the step."
    )
    due_at: datetime | None = None
    message: str | None = None
    correlation_key: str | None = None
    child_id: int | None = None


class Child(Body):
    """An instance that a step of another one started."""

    id: int
    definition_key: str
    title: str
    status: str


class Token(Body):
    """Where an instance stands."""

    id: int
    step: StepRef
    since: datetime | None
    waiting_for: str | None = Field(
        description="task, job, timer, message, event, child, scope, multi, join or incident."
    )
    awaits: list[Awaited]


class Incident(Body):
    """Something that waits for help."""

    id: int
    step: StepRef | str
    kind: str
    message: str
    detail: dict[str, Any]
    attempts: int
    at: datetime
    resolved_at: datetime | None
    process_instance_id: int | None = None


class Candidates(Body):
    """Who may claim a task."""

    users: list[str]
    groups: list[str]
    roles: list[str] = Field(default_factory=list)


class Said(Body):
    """A value that the step's ``summary`` names, as far as the caller may see it."""

    name: str
    label: Label | None
    type: str
    options: list[dict[str, Any]] | None
    value: Any


class Task(Body):
    """Work for people. What has no value in a list is told by the task itself."""

    id: int
    process_instance_id: int
    process_definition_id: int
    definition: DefinitionRef | None = None
    instance_status: str | None = None
    business_key: str | None
    title: str
    started_by: str | None = None
    step: StepRef
    state: str
    assignee: str | None
    candidates: Candidates
    form: list[dict[str, Any]]
    values: dict[str, Any] | None
    outcomes: list[dict[str, Any]]
    allowed: list[str]
    mine: bool | None = None
    for_: str | None = Field(
        default=None,
        alias="for",
        description="Who is away and has it, or is offered it by name, if the caller stands in.",
    )
    due_at: datetime | None
    overdue: bool
    priority: int
    round: int
    created_at: datetime
    claimed_at: datetime | None = None
    completed_at: datetime | None
    completed_by: str | None
    on_behalf_of: str | None
    outcome: str | None
    comment: str | None = None
    summary: list[Said] = Field(default_factory=list)
    reason: str | None = None
    rule: str | None = Field(default=None, description="What decided it instead of people.")
    barred: bool = Field(
        default=False, description="Whether an approval rule keeps the caller from deciding."
    )
    decided_by: str | None = Field(
        default=None, description="Whose vote ended it while this seat was open, or who stood in."
    )
    reminders: int | None = Field(default=None, description="How often it was reminded of.")
    reminded_at: datetime | None = None
    role: str | None = Field(
        default=None, description="Of a side task: delegate, consult, before or after."
    )
    waits_for: str | None = Field(
        default=None, description="Role of the side tasks that have to be answered first."
    )


class Variable(Body):
    """A variable of the instance that the form does not have."""

    name: str
    label: Label | None
    type: str
    options: list[Any] | None = None
    columns: list[Any] | None = None
    value: Any


class Draft(Body):
    """What someone typed into the form and did not send."""

    by: str
    values: dict[str, Any]
    comment: str | None
    saved_at: datetime


class Earlier(Body):
    """What a comment said before."""

    text: str
    at: datetime


class Attached(Body):
    """A file that is attached to a comment."""

    id: int
    name: str
    type: str = Field(description="Media type, by its content.")
    size: int = Field(description="Bytes.")
    sha256: str


class TaskComment(Body):
    """A comment on a task."""

    id: int
    task_id: int
    step: StepRef
    by: str
    at: datetime
    text: str
    mentions: list[str] = Field(description="Usernames of those who were told.")
    files: list[Attached]
    edited_at: datetime | None
    earlier: list[Earlier]
    may_edit: bool


class InstanceRef(Body):
    """An instance and how it stands."""

    id: int
    status: str


class Instance(Body):
    """One run of a definition."""

    id: int
    process_definition_id: int
    definition: DefinitionRef
    business_key: str | None
    title: str
    status: str
    result: str | None
    variables: dict[str, Any]
    tokens: list[Token]
    tasks: list[Task]
    incidents: list[Incident]
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    workflow_id: str | None
    parent_id: int | None
    children: list[Child] = Field(description="The newest 200 that it started.")


class Standing(Body):
    """A step that waits for people."""

    id: str
    name: Label
    assignee: str | None
    candidates: Candidates


class InstanceSummary(Body):
    """An instance in a list."""

    id: int
    process_definition_id: int
    definition: DefinitionRef
    business_key: str | None
    title: str
    status: str
    result: str | None
    incident_count: int
    standing: list[Standing]
    started_by: str
    started_at: datetime
    ended_at: datetime | None


class Event(Body):
    """One line of an instance's history."""

    seq: int
    at: datetime
    kind: str
    step: StepRef | None
    actor: str
    on_behalf_of: str | None
    data: Any
    hash: str | None


class Paged(Body, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    page: int
    size: int
    total: int
    pages: int
    total_is_estimate: bool | None = Field(
        default=None, description="Present and true when there are more than ``total``."
    )
    next: str | None = Field(default=None, description="Cursor of what follows.")


class Events(Body):
    """Some events, in order."""

    items: list[Event]
    next: int | None = Field(default=None, description="``after`` of what follows.")


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: list[dict[str, str]] | None = None

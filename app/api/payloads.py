"""What requests may hold: bodies and query strings. Anything else in them is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from app.core.moments import in_every_zone

MAX_ID = 2**63 - 1

Id = Annotated[int, Field(ge=1, le=MAX_ID)]
ShortText = Annotated[str, StringConstraints(max_length=255)]
Comment = Annotated[str, StringConstraints(max_length=10_000)]
Variables = Annotated[
    dict[str, Any], Field(description="Names and values; numbers are exact decimals.")
]


def _no_number(value: object) -> object:
    """Refuse what pydantic would take for seconds since 1970."""
    if isinstance(value, str) and not value[:5].endswith("-"):
        raise PydanticCustomError("datetime_parsing", "no time")
    return value


def countable(value: datetime) -> datetime:
    """Refuse what no calendar of every zone has: there are years from 1 to 9999."""
    if not in_every_zone(value):
        raise PydanticCustomError("datetime_parsing", "no time")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(countable)]


class Request(BaseModel):
    """Base: unknown members are refused, values are never converted."""

    model_config = ConfigDict(extra="forbid")


class Login(Request):
    """Username and password."""

    username: ShortText
    password: Annotated[str, StringConstraints(max_length=1024)]


class Refresh(Request):
    """A refresh token."""

    refresh_token: Annotated[str, StringConstraints(max_length=4096)]


class Logout(Request):
    """Optionally the refresh token that is to end too."""

    refresh_token: Annotated[str, StringConstraints(max_length=4096)] | None = None


class Reason(Request):
    """Why something is done; kept in the history."""

    reason: Comment | None = None


class DefinitionUpload(BaseModel):
    """The document, or an envelope with the document in ``config``; for the API's document."""

    model_config = ConfigDict(extra="allow")

    name: Any = Field(description="A text, or one per language.")
    description: Any = None
    version: str
    config: dict[str, Any] | None = Field(
        default=None, description="The document; without it the body itself is the document."
    )


class StartInstance(Request):
    """Which definition to start, and with what."""

    process_definition_id: Id | None = None
    process_definition_key: ShortText | None = None
    business_key: ShortText | None = None
    title: ShortText | None = None
    variables: Variables = Field(default_factory=dict)


class SetVariables(Request):
    """Variables to change, and why."""

    variables: Variables
    reason: Comment | None = None


class CommentOnly(Request):
    """A remark, kept in the history."""

    comment: Comment | None = None


class CompleteTask(Request):
    """What the form says, the chosen outcome, and a remark."""

    variables: Variables = Field(default_factory=dict)
    outcome: ShortText | None = None
    comment: Comment | None = None
    cc: list[ShortText] = Field(
        default_factory=list, max_length=50, description="Usernames of who gets a copy."
    )


class TypedSoFar(Request):
    """What the form holds so far."""

    variables: Variables = Field(default_factory=dict)


class TaskBatch(Request):
    """The same for many tasks."""

    action: Literal["claim", "complete", "transfer", "remind"]
    ids: list[Id] = Field(min_length=1, max_length=200)
    to: ShortText | None = Field(default=None, description="Who gets them by a transfer.")
    outcome: ShortText | None = Field(
        default=None, description="true or false where a yes/no of the form decides."
    )
    variables: Variables = Field(default_factory=dict)
    comment: Comment | None = None


class Window(BaseModel):
    """Base of lists: which page, and how many items it has."""

    page: int = Field(default=1, ge=1, le=1_000_000)
    size: int = Field(default=20, ge=1, le=200)


class DefinitionQuery(Window):
    """Which definitions to list."""

    key: ShortText | None = None
    name: ShortText | None = None
    status: Literal["draft", "active", "retired"] | None = None
    latest: bool = False


class CreateQuery(BaseModel):
    """How to store a definition."""

    status: Literal["draft", "active"] = "active"


class InstanceQuery(Window):
    """Which instances to list."""

    status: Literal["running", "suspended", "completed", "terminated", "failed"] | None = None
    process_definition_id: Id | None = None
    process_definition_key: ShortText | None = None
    business_key: ShortText | None = None
    started_by: ShortText | None = None
    started_after: Moment | None = None
    started_before: Moment | None = None
    has_incident: bool | None = None
    q: ShortText | None = None
    after: ShortText | None = None


class TaskQuery(Window):
    """Which tasks to list; ``current_user`` stands for the caller."""

    state: Literal["open", "claimed", "completed", "cancelled"] | None = None
    assignee: ShortText | None = None
    candidate_user: ShortText | None = None
    candidate_group: ShortText | None = None
    process_instance_id: Id | None = None
    process_definition_key: ShortText | None = None
    step: ShortText | None = None
    due: Literal["overdue", "today", "week"] | None = None
    due_before: Moment | None = None
    priority: Literal["urgent", "normal", "low"] | None = None
    field: ShortText | None = Field(default=None, description="Of the summary; with value.")
    op: Literal["is", "least", "most"] | None = None
    value: ShortText | None = None
    transferred: bool = Field(
        default=False, description="Those that the caller has transferred, in any state."
    )
    unassigned: bool = False
    q: ShortText | None = None
    sort: (
        Literal[
            "created_at", "-created_at", "due_at", "-due_at", "priority", "-priority", "id", "-id"
        ]
        | None
    ) = None
    after: ShortText | None = None


class HistoryQuery(BaseModel):
    """Which events to list."""

    after: int | None = Field(default=None, ge=0, le=MAX_ID)
    size: int = Field(default=100, ge=1, le=200)


class IncidentQuery(Window):
    """Which incidents to list."""

    open: bool = True
    process_instance_id: Id | None = None
    after: ShortText | None = None

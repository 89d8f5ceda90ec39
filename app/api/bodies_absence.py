"""What answers hold about absences, and what their requests hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field

from app.api.bodies import Body
from app.api.payloads import Request, ShortText, Window, countable


def _read(value: Any) -> Any:
    """Read a text, as JSON has it; whether it is a time with a zone is looked at behind this."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


Time = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(countable)]
"""A moment in a body."""


class Delegation(Body):
    """That somebody decides for a person who is away."""

    id: int
    user: str = Field(description="Who is away.")
    substitute: str
    from_: datetime = Field(alias="from")
    until: datetime
    definitions: list[str] | None = Field(description="Keys of processes; null: all.")
    open_tasks: bool = Field(description="Whether tasks that were open when it began count too.")
    state: str = Field(description="planned, away or over.")
    created_by: str
    created_at: datetime
    ended_at: datetime | None = Field(description="When it was ended before its time.")


class DelegationWish(Request):
    """Who decides meanwhile, from when until when, and for what."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    substitute: ShortText = Field(description="A username.")
    from_: Time | None = Field(default=None, alias="from", description="Default: now.")
    until: Time
    definitions: Annotated[list[ShortText], Field(max_length=200)] | None = Field(
        default=None, description="Keys of processes; default: all."
    )
    open_tasks: bool = Field(default=True, description="Also what is open when it begins.")


class NewDelegation(DelegationWish):
    """The same, and who is away."""

    user: ShortText | None = Field(default=None, description="A username; default: the caller.")


class DelegationQuery(Window):
    """Whose absences; without `user` and `substitute` those that the caller has a part in."""

    user: ShortText | None = None
    substitute: ShortText | None = None
    over: bool | None = None

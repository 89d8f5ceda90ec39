"""Bodies and answers of forms and their files."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from app.api.bodies import Body
from app.api.payloads import Request, ShortText, Variables


class FormValues(Request):
    """What is filled in so far."""

    variables: Variables = Field(default_factory=dict)


class Wrong(Body):
    """A value that a completion would be refused for."""

    field: str
    code: str
    message: str


class FormState(Body):
    """How a form stands."""

    hidden: list[str] = Field(description="Fields that show_if hides.")
    errors: list[Wrong]
    sums: dict[str, Decimal | int] = Field(description="Sums of columns, by rows.column.")


class FileQuery(Request):
    """Which field a file is for, and what it is called."""

    field: ShortText
    name: Annotated[str, StringConstraints(min_length=1, max_length=500)]


class NewFile(Body):
    """A file that was uploaded."""

    id: int
    name: str
    type: str = Field(description="Media type, by its content.")
    size: int = Field(description="Bytes.")
    sha256: str


class File(NewFile):
    """A file with where it belongs."""

    field: str
    task_id: int | None
    instance_id: int | None
    uploaded_by: str
    uploaded_at: datetime
    submitted_at: datetime | None = Field(description="When its form was sent; else null.")


class PeopleQuery(Request):
    """Part of a name."""

    q: Annotated[str, StringConstraints(max_length=100)] = ""


class Person(Body):
    """Somebody who can be named."""

    username: str
    name: str


class People(Body):
    """Who fits."""

    items: list[Person]

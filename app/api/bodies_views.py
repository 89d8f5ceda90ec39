"""What answers about views of the inbox hold."""

from __future__ import annotations

from pydantic import Field

from app.api.bodies import Body


class View(Body):
    """Filters by a name."""

    id: int
    name: str
    query: dict[str, str] = Field(description="What says something, as in the inbox's address.")
    shared: bool
    owner: str
    owner_name: str
    mine: bool


class Views(Body):
    """The caller's views, then those that others share."""

    items: list[View]

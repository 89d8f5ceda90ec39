"""What answers hold about views of the inbox, and about where a task would lead."""

from __future__ import annotations

from pydantic import Field

from app.api.bodies import Body, Label


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


class Stop(Body):
    """One place on the likely way from a task on."""

    kind: str = Field(description="decided, next, later, choice, join, end or stuck.")
    step: str | None
    name: Label | None
    type: str | None
    assignee: str | None
    candidates: dict[str, list[str]]
    options: list[Label]
    rule: str | None = Field(description="Of a kind decided: the approval rule that decides.")
    approved: bool | None = Field(description="What it decides; null where that is neither.")


class Way(Body):
    """What one decision leads to."""

    outcome: str | None
    label: Label | None
    stops: list[Stop]


class Route(Body):
    """What each decision would lead to; empty for who could make none."""

    ways: list[Way]

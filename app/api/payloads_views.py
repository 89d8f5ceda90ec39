"""What requests about views of the inbox may hold."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from app.api.payloads import Request, ShortText


class ViewQuery(Request):
    """What the list is narrowed by, and its order."""

    tab: Literal["todo", "done"] | None = None
    q: ShortText | None = None
    order: Literal["due", "newest", "oldest", "priority"] | None = None
    process: ShortText | None = None
    step: ShortText | None = None
    group: ShortText | None = None
    due: Literal["overdue", "today", "week"] | None = None
    priority: Literal["urgent", "normal", "low"] | None = None
    field: ShortText | None = Field(default=None, description="Of the summary; with value.")
    op: Literal["is", "least", "most"] | None = None
    value: ShortText | None = None


class SaveView(Request):
    """A name and filters."""

    name: ShortText
    query: ViewQuery
    shared: bool = Field(default=False, description="Everybody sees it.")

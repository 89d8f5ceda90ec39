"""The inbox's lists as tests read them: through to their end, and as the rules put them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.task.inbox import InboxPage, Order
from tests.support.office import NOW

Row = Mapping[str, Any]


def to_the_end(page: Callable[[str | None], InboxPage], size: int) -> list[int]:
    """Return the ids of all pages, each of which is full but the last one.

    Args:
        page: gives the one behind a cursor; None: the first.
    """
    found: list[int] = []
    after = None
    while True:
        one = page(after)
        found += [item["id"] for item in one.items]
        after = one.next
        if after is None:
            return found
        assert len(one.items) == size


def in_order(tasks: Iterable[tuple[int | None, Row]], order: Order) -> list[int]:
    """Return the ids of tasks in the order of the rules, sorted here.

    Args:
        tasks: the part of the list in which each stands (None: in none), and its row.
    """

    def key(row: Row) -> tuple[Any, ...]:
        if order == "due":
            return (row["due_at"] is None, row["due_at"] or NOW, row["id"])
        if order == "priority":
            return (-row["priority"], -row["id"])
        return (row["id"] if order == "oldest" else -row["id"],)

    shown = sorted((part, key(row), row["id"]) for part, row in tasks if part is not None)
    return [task_id for _, _, task_id in shown]

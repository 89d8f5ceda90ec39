"""What people do by both doors, for the tests of their parity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.task import service as tasks
from tests.support.office import NOW, Office

Things = dict[str, int]


@dataclass(frozen=True)
class Act:
    """One thing that people do, by both doors.

    Args:
        by: who does it.
        page: path and fields of the form.
        rest: method, path and body.
        before: what has to be done first; it may add to the things.

    ``{name}`` in a path, and as a value of a form or a body, stands for a thing's id.
    """

    by: str
    page: tuple[str, dict[str, Any]]
    rest: tuple[str, str, Any]
    before: Callable[[Office, Things], object] = lambda office, things: None


def claimed(office: Office, things: Things) -> None:
    tasks.claim(office.engine, office["mei"], things["task"], now=NOW)


VALUES = {"approved": True, "comments": "Fine.", "amount": Decimal("1250.50")}
TYPED = {"f.approved": "true", "f.comments": "Fine.", "f.amount": "1,250.50"}
DONE = Act(
    "mei",
    ("/tasks/{task}/complete", TYPED | {"comment": "Yes"}),
    ("PUT", "/tasks/{task}/complete", {"variables": VALUES, "comment": "Yes"}),
)

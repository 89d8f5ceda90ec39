"""Going back by page and by REST."""

from __future__ import annotations

from typing import Final

from app.task import service as tasks
from tests.support.acts import Act, Things
from tests.support.office import NOW, Office


def approved(office: Office, things: Things) -> None:
    """Let mei approve, so that li has to pay."""
    values = {"approved": True, "amount": 3}
    tasks.complete(office.engine, office["mei"], things["task"], values, now=NOW)
    things["pay"] = office.task_of(things["instance"], "pay")


BACK: Final = {
    "return": Act(
        "li",
        (
            "/tasks/{pay}/return",
            {"to": "approve", "resume": "straight_back", "reason": " Look again "},
        ),
        (
            "POST",
            "/tasks/{pay}/return",
            {"to": "approve", "resume": "straight_back", "comment": "Look again"},
        ),
        approved,
    ),
    "recall": Act(
        "mei",
        ("/tasks/{task}/recall", {"reason": "Oops"}),
        ("POST", "/tasks/{task}/recall", {"comment": "Oops"}),
        approved,
    ),
    "withdraw": Act(
        "zhao",
        ("/instances/{instance}/withdraw", {"reason": "not needed"}),
        ("POST", "/process-instances/{instance}/withdraw", {"comment": "not needed"}),
        approved,
    ),
}

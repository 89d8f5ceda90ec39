"""Who may do what while others are asked: pure rules over a task's row."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.verbs import DEFAULT
from app.identity.actor import Actor
from app.task.access import allowed

WORK, MANAGE = frozenset({"task:work"}), frozenset({"task:work", "task:assign", "task:read"})
TASK: dict[str, Any] = {
    "state": "claimed",
    "assignee": "mei",
    "completed_by": None,
    "completed_at": None,
    "candidates": ["g:finance"],
    "barred": [],
    "allow": [*DEFAULT, "add_signer"],
    "started_by": "zhao",
    "instance_status": "running",
    "added_by": None,
    "role": None,
    "waits_for": None,
}
ADVICE = TASK | {"role": "delegate", "assignee": "li", "added_by": "mei", "candidates": []}


def actor(username: str, permissions: frozenset[str] = WORK) -> Actor:
    return Actor(id=1, username=username, name=username, permissions=permissions)


@pytest.mark.parametrize(
    ("who", "task", "verbs"),
    [
        (
            actor("mei"),
            TASK,
            [
                "release",
                "complete",
                "transfer",
                "delegate",
                "consult",
                "add_signer",
                "return",
                "comment",
                "attach",
                "cc",
            ],
        ),
        (
            actor("mei"),
            TASK | {"waits_for": "delegate"},
            ["recall", "comment", "attach", "cc", "remind"],
        ),
        (actor("mei"), TASK | {"waits_for": "after", "allow": []}, ["recall"]),
        (
            actor("boss", MANAGE),
            TASK | {"waits_for": "before"},
            ["recall", "comment", "attach", "remind"],
        ),
        (actor("wang"), TASK | {"waits_for": "before"}, []),
        (actor("li"), ADVICE, ["resolve", "comment", "attach"]),
        (actor("li", frozenset()), ADVICE, ["comment", "attach"]),
        (actor("mei"), ADVICE, ["remind"]),
        (actor("boss", MANAGE), ADVICE, ["assign", "comment", "attach", "remind"]),
        (actor("li"), ADVICE | {"state": "completed"}, ["comment", "attach"]),
        (actor("li"), ADVICE | {"instance_status": "suspended"}, []),
    ],
)
def test_the_verbs(who: Actor, task: dict[str, Any], verbs: list[str]) -> None:
    assert allowed(who, task) == verbs

"""Returning, recalling and withdrawing over REST."""

from __future__ import annotations

from typing import Final

from app.api import bodies
from app.api import bodies_back as more
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.api.payloads import CommentOnly
from app.api.runtime import steered
from app.runtime import service as runtime
from app.task import service

operations = Operations("going_back", "Tasks")

_ONE: Final = "/tasks/<int:task_id>"


@operations.add(
    "POST",
    f"{_ONE}/return",
    "Return a task to a step before",
    body=more.ReturnTask,
    permission="holder",
    answers={200: bodies.Task},
)
def give_back(call: Call, task_id: int, body: more.ReturnTask) -> Answer:
    """Who did that step has it again, and a new round begins; this task is cancelled."""
    return Answer(
        service.give_back(
            call.engine,
            call.actor,
            task_id,
            body.to,
            resume=body.resume,
            comment=body.comment,
            now=call.now,
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/recall",
    "Take back what one has decided, or what others were asked",
    body=CommentOnly,
    permission="who completed it; of what waits for others its holder, of a question who asked, or"
    " task:assign",
    answers={200: bodies.Task},
)
def recall(call: Call, task_id: int, body: CommentOnly) -> Answer:
    """A decision within 30 minutes, while nobody has gone on from it; answers with the task
    reopened. A task that waits for others is the holder's again; who has not answered need not. A
    question is withdrawn alone; answers with the task that it is about."""
    return Answer(
        service.recall(call.engine, call.actor, task_id, comment=body.comment, now=call.now)
    )


@operations.add(
    "POST",
    "/process-instances/<int:instance_id>/withdraw",
    "Withdraw what one has started",
    body=CommentOnly,
    permission="initiator",
    answers={200: bodies.Instance},
    tag="Process instances",
)
def withdraw(call: Call, instance_id: int, body: CommentOnly) -> Answer:
    """By `settings.withdraw` of its definition it ends (`terminated`, `result` `withdrawn`); or its
    start form opens again for its initiator, as a task of the step `@start`, and it stays
    `running`. Withdrawn from there, it ends."""
    return steered(call, runtime.withdraw, instance_id, comment=body.comment)

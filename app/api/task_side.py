"""Asking others about a task that one has, over REST, and their answers."""

from __future__ import annotations

from typing import Any, Final

from app.api import bodies
from app.api import bodies_side as more
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.task import service

operations = Operations("task_side", "Tasks")

_ONE: Final = "/tasks/<int:task_id>"
_TASK: Final[dict[str, Any]] = {"answers": {200: bodies.Task}}


@operations.add(
    "POST",
    f"{_ONE}/delegate",
    "Ask somebody for advice",
    body=more.AskAdvice,
    permission="holder",
    **_TASK,
)
def delegate(call: Call, task_id: int, body: more.AskAdvice) -> Answer:
    """They give an opinion and propose values; then the task is the caller's to decide again."""
    return Answer(
        service.delegate(
            call.engine, call.actor, task_id, body.to, comment=body.comment, now=call.now
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/consult",
    "Ask people a question",
    body=more.AskQuestion,
    permission="holder",
    **_TASK,
)
def consult(call: Call, task_id: int, body: more.AskQuestion) -> Answer:
    """The task does not wait: deciding it before they answer withdraws the question."""
    return Answer(
        service.consult(call.engine, call.actor, task_id, body.users, body.comment, now=call.now)
    )


@operations.add(
    "POST",
    f"{_ONE}/add-signer",
    "Let more people decide a task",
    body=more.AddSigner,
    permission="holder",
    **_TASK,
)
def add_signer(call: Call, task_id: int, body: more.AddSigner) -> Answer:
    """Where the step allows it. Beside: each has a say, and votes so far stay. Before: the task
    waits for them. After: the decision that comes along waits for them."""
    return Answer(
        service.add_signer(
            call.engine,
            call.actor,
            task_id,
            body.users,
            body.position,
            values=body.variables,
            outcome=body.outcome,
            comment=body.comment,
            cc=body.cc,
            now=call.now,
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/remove-signer",
    "Take an added person's seat away",
    body=more.RemoveSigner,
    permission="who added them, or has the task that waits for them, or task:assign",
    **_TASK,
)
def remove_signer(call: Call, task_id: int, body: more.RemoveSigner) -> Answer:
    """Only while they have not decided or signed. What the others have decided then goes on, and so
    does a task that waited for nobody else."""
    return Answer(
        service.remove_signer(
            call.engine, call.actor, task_id, body.user, comment=body.comment, now=call.now
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/resolve",
    "Answer what one was asked",
    body=more.Resolve,
    permission="who was asked",
    **_TASK,
)
def resolve(call: Call, task_id: int, body: more.Resolve) -> Answer:
    """By the own task, or by the one that it is about."""
    return Answer(
        service.resolve(
            call.engine,
            call.actor,
            task_id,
            body.variables,
            outcome=body.outcome,
            comment=body.comment,
            now=call.now,
        )
    )

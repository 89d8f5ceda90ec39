"""What people do beside answering a task, over REST: give it, copy it, talk about it."""

from __future__ import annotations

from typing import Any, Final

from app.api import bodies
from app.api import bodies_verbs as more
from app.api.call import Answer, Call
from app.api.errors import document_of
from app.api.operation import BASE, Operations
from app.api.payloads import CommentOnly
from app.task import comments, service

operations = Operations("task_verbs", "Tasks")

_ONE: Final = "/tasks/<int:task_id>"
_TASK: Final[dict[str, Any]] = {"answers": {200: bodies.Task}}


@operations.add(
    "POST",
    f"{_ONE}/assign",
    "Give a task to somebody",
    body=more.GiveTask,
    permission="task:assign",
    **_TASK,
)
def assign(call: Call, task_id: int, body: more.GiveTask) -> Answer:
    """Whoever has it, if anybody, has it no more."""
    return Answer(
        service.assign(
            call.engine, call.actor, task_id, body.to, comment=body.comment, now=call.now
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/transfer",
    "Pass a task on",
    body=more.GiveTask,
    permission="holder",
    **_TASK,
)
def transfer(call: Call, task_id: int, body: more.GiveTask) -> Answer:
    """The other person has it for good, with its due date and what was typed."""
    return Answer(
        service.transfer(
            call.engine, call.actor, task_id, body.to, comment=body.comment, now=call.now
        )
    )


@operations.add(
    "POST",
    "/tasks/hand-over",
    "Give all tasks of a person to another",
    body=more.HandOver,
    permission="task:assign",
    answers={200: more.HandedOver},
)
def hand_over(call: Call, body: more.HandOver) -> Answer:
    """Up to 200 at once, each for itself; `left` says how many remain."""
    done = service.hand_over(
        call.engine, call.actor, body.of, body.to, comment=body.comment, now=call.now
    )
    results: list[dict[str, Any]] = [{"id": each, "ok": True, "status": 200} for each in done.done]
    results += [
        {"id": each, "ok": False, "status": error.status, "problem": document_of(error)}
        for each, error in done.failed.items()
    ]
    results.sort(key=lambda result: int(result["id"]))
    counts = {"done": len(done.done), "failed": len(done.failed), "left": done.left}
    return Answer({"results": results, **counts})


@operations.add(
    "POST", f"{_ONE}/cc", "Copy a task to people", body=more.CopyTask, permission="holder", **_TASK
)
def copy(call: Call, task_id: int, body: more.CopyTask) -> Answer:
    """They are told of it and may read its instance; once for each person and step."""
    return Answer(
        service.copy(
            call.engine, call.actor, task_id, body.users, comment=body.comment, now=call.now
        )
    )


@operations.add(
    "POST",
    f"{_ONE}/remind",
    "Remind those whom a task waits for",
    body=CommentOnly,
    permission="whoever may read it, but its holder",
    **_TASK,
)
def remind(call: Call, task_id: int, body: CommentOnly) -> Answer:
    """Once in four hours for each task; sooner it is 429 with `again_at`."""
    return Answer(
        service.remind(call.engine, call.actor, task_id, comment=body.comment, now=call.now)
    )


@operations.add(
    "GET",
    f"{_ONE}/comments",
    "Comments on a task's instance",
    permission="task:read, or takes part",
    answers={200: more.Comments},
)
def list_comments(call: Call, task_id: int) -> Answer:
    """Return them all, the oldest first, corrected ones as they are now."""
    return Answer({"items": comments.comments(call.db, call.actor, task_id, now=call.now)})


@operations.add(
    "POST",
    f"{_ONE}/comments",
    "Comment on a task",
    body=more.NewComment,
    permission="task:read, or takes part",
    answers={201: bodies.TaskComment},
)
def comment(call: Call, task_id: int, body: more.NewComment) -> Answer:
    """Whoever is mentioned and may see the task is told; files are there for all who read it."""
    made = service.comment(
        call.engine, call.actor, task_id, body.text, files=body.files, now=call.now
    )
    return Answer(made, 201)


@operations.add(
    "POST",
    f"{_ONE}/attachments",
    "Upload a file for a comment",
    query=more.AttachQuery,
    permission="task:read, or takes part",
    answers={201: bodies.Attached},
    takes_file=True,
)
def attach(call: Call, task_id: int, query: more.AttachQuery) -> Answer:
    """Keep the body as a file; a comment on the same task names it by its id, within a day."""
    made = service.attach(call.engine, call.actor, task_id, query.name, call.data, now=call.now)
    return Answer(made, 201, {"Location": f"{BASE}/files/{made['id']}"})


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/comments/<int:comment_id>",
    "Correct a comment",
    body=more.CommentText,
    permission="who wrote it",
    answers={200: bodies.TaskComment},
)
def edit(call: Call, task_id: int, comment_id: int, body: more.CommentText) -> Answer:
    """Within five minutes; what it said before is kept."""
    return Answer(
        service.edit(call.engine, call.actor, task_id, comment_id, body.text, now=call.now)
    )

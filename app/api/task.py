"""Tasks over REST: listing, claiming, releasing, completing."""

from __future__ import annotations

from app.api import answers, bodies, payloads
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.task import queries, service

operations = Operations("task", "Tasks")

_ONE = "/tasks/<int:task_id>"
_READ = "task:read, or takes part"


@operations.add(
    "GET",
    "/tasks",
    "List tasks",
    query=payloads.TaskQuery,
    permission=_READ,
    answers={200: bodies.Paged[bodies.Task]},
)
def list_tasks(call: Call, query: payloads.TaskQuery) -> Answer:
    """List open and claimed tasks, or those of a state."""
    page = queries.list_(call.db, call.actor, **query.model_dump(exclude_none=True), now=call.now)
    return Answer(answers.paged(page, answers.as_it_is))


@operations.add("GET", _ONE, "One task", permission=_READ, answers={200: bodies.TaskDetail})
def one(call: Call, task_id: int) -> Answer:
    """Return a task with its form, values, what the caller may do, and a draft."""
    return _task(call, task_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/claim",
    "Claim a task",
    body=payloads.CommentOnly,
    permission="candidate",
    answers={200: bodies.TaskDetail},
)
def claim(call: Call, task_id: int, body: payloads.CommentOnly) -> Answer:
    """Take it, if nobody else has."""
    service.claim(call.engine, call.actor, task_id, now=call.now)
    return _task(call, task_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/release",
    "Give a task back",
    body=payloads.CommentOnly,
    permission="holder",
    answers={200: bodies.TaskDetail},
)
def release(call: Call, task_id: int, body: payloads.CommentOnly) -> Answer:
    """Put it back to its candidates; what was typed stays as a draft."""
    service.release(call.engine, call.actor, task_id, comment=body.comment, now=call.now)
    return _task(call, task_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/complete",
    "Complete a task",
    body=payloads.CompleteTask,
    permission="holder or candidate",
    answers={200: bodies.CompletedTask},
)
def complete(call: Call, task_id: int, body: payloads.CompleteTask) -> Answer:
    """Store what the form says and let the instance go on, in one transaction."""
    done = service.complete(
        call.engine,
        call.actor,
        task_id,
        body.variables,
        outcome=body.outcome,
        comment=body.comment,
        cc=body.cc,
        now=call.now,
    )
    more = {
        "instance": {"id": done.instance.id, "status": done.instance.status},
        "next": done.next,
    }
    return Answer({**done.task, **more})


def _task(call: Call, task_id: int) -> Answer:
    return Answer(queries.get(call.db, call.actor, task_id, now=call.now))

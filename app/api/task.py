"""Tasks over REST: listing, claiming, releasing, completing."""

from __future__ import annotations

from dataclasses import asdict

from app.api import answers, batch, bodies, bodies_task, bodies_views, payloads
from app.api import bodies_language as more
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.task import bulk, queries, service
from app.task.route import route

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


@operations.add("GET", _ONE, "One task", permission=_READ, answers={200: bodies_task.TaskDetail})
def one(call: Call, task_id: int) -> Answer:
    """Return a task with its form, values, what the caller may do, and a draft."""
    return _task(call, task_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/claim",
    "Claim a task",
    body=payloads.CommentOnly,
    permission="candidate",
    answers={200: bodies_task.TaskDetail},
)
def claim(call: Call, task_id: int, body: payloads.CommentOnly) -> Answer:
    """Take it, if nobody else has."""
    service.claim(call.engine, call.actor, task_id, comment=body.comment, now=call.now)
    return _task(call, task_id)


@operations.add(
    ("PUT", "POST"),
    f"{_ONE}/release",
    "Give a task back",
    body=payloads.CommentOnly,
    permission="holder",
    answers={200: bodies_task.TaskDetail},
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
    answers={200: bodies_task.CompletedTask},
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
        "counts": done.counts,
    }
    return Answer({**done.task, **more})


@operations.add(
    "POST",
    f"{_ONE}/route",
    "Where a task would lead",
    body=payloads.TypedSoFar,
    permission="holder or candidate; nothing for others",
    answers={200: bodies_views.Route},
    changes=False,
)
def likely(call: Call, task_id: int, body: payloads.TypedSoFar) -> Answer:
    """What each decision would lead to with these values; nothing is changed."""
    ways = route(call.engine, call.actor, task_id, body.variables, now=call.now)
    return Answer({"ways": [asdict(way) for way in ways]})


@operations.add(
    "POST",
    "/tasks/batch",
    "Claim, complete, transfer or remind of many",
    body=payloads.TaskBatch,
    permission="as each of them",
    answers={200: more.Batch},
)
def many(call: Call, body: payloads.TaskBatch) -> Answer:
    """At most 200; each is done or refused for itself. Completed is what needs only a decision."""

    if body.action == "transfer":
        batch.needed("to", body.to, body.action)

    def do(task_id: int) -> int:
        return bulk.one(
            call.engine,
            call.actor,
            body.action,
            task_id,
            variables=body.variables,
            to=body.to,
            outcome=body.outcome,
            comment=body.comment,
            now=call.now,
        )

    return batch.each(call, body.ids, lambda task_id: task_id, do)


def _task(call: Call, task_id: int) -> Answer:
    return Answer(queries.get(call.db, call.actor, task_id, now=call.now))

"""Work for workers elsewhere, over REST."""

from __future__ import annotations

import random
import threading
import time
from typing import Any, Final

from flask import current_app

from app.api import bodies_language as bodies
from app.api import payloads_language as payloads
from app.api.call import Answer, Call
from app.api.operation import Operations
from app.runtime import external

operations = Operations("external", "External tasks")

_ONE = "/external-tasks/<int:external_id>"
_WORK = "job:work"
_LOOK_AGAIN: Final = 0.25
"""Seconds between two looks for work while a request waits; nothing is held meanwhile."""
_MOST_WAITING: Final = 8
"""Requests that wait in one process: each has a thread, and others need some too."""
_waiting = threading.BoundedSemaphore(_MOST_WAITING)


@operations.add(
    "POST",
    "/external-tasks/fetch-and-lock",
    "Fetch work and lock it",
    body=payloads.FetchAndLock,
    permission=_WORK,
    answers={200: bodies.ExternalTasks},
    changes=False,
)
def fetch_and_lock(call: Call, body: payloads.FetchAndLock) -> Answer:
    """Each task goes to one worker, which has to complete it before its lock ends.

    It takes no Idempotency-Key: what a lost answer held comes back when its lock ends.
    With `wait` the answer comes as soon as there is work, or empty at the end of it. A
    process lets some requests wait; further ones are answered at once, with `Retry-After`.
    """
    found = _fetch(call, body)
    if found or not body.wait:
        return _tasks(found)
    if not _waiting.acquire(blocking=False):
        return Answer({"items": []}, headers={"Retry-After": "1"})
    try:
        ends = time.monotonic() + body.wait.total_seconds()
        while not found and (left := ends - time.monotonic()) > 0:
            time.sleep(min(_LOOK_AGAIN, left))
            found = _fetch(call, body)
    finally:
        _waiting.release()
    return _tasks(found)


@operations.add(
    "POST",
    f"{_ONE}/complete",
    "Complete an external task",
    body=payloads.CompleteExternal,
    permission=_WORK,
    answers={204: None},
)
def complete(call: Call, external_id: int, body: payloads.CompleteExternal) -> Answer:
    """Take the result; the instance goes on."""
    external.complete(
        call.engine, call.actor, external_id, body.worker_id, body.result, now=call.now
    )
    return Answer(status=204)


@operations.add(
    "POST",
    f"{_ONE}/fail",
    "Say that an external task failed",
    body=payloads.FailExternal,
    permission=_WORK,
    answers={204: None},
)
def fail(call: Call, external_id: int, body: payloads.FailExternal) -> Answer:
    """It is tried again as the step's policy says, unless it is `business`."""
    external.fail(
        call.engine,
        call.actor,
        external_id,
        body.worker_id,
        code=body.code,
        message=body.message,
        business=body.business,
        now=call.now,
        spread=random.random(),
    )
    return Answer(status=204)


@operations.add(
    "POST",
    f"{_ONE}/extend",
    "Keep an external task for longer",
    body=payloads.ExtendExternal,
    permission=_WORK,
    answers={200: bodies.Locked},
)
def extend(call: Call, external_id: int, body: payloads.ExtendExternal) -> Answer:
    """The lock lasts for `lock` from now on."""
    until = external.extend(
        call.engine, call.actor, external_id, body.worker_id, body.lock, now=call.now
    )
    return Answer({"id": external_id, "locked_until": until})


@operations.add(
    "POST",
    f"{_ONE}/unlock",
    "Give an external task back",
    body=payloads.Worker,
    permission=_WORK,
    answers={204: None},
)
def unlock(call: Call, external_id: int, body: payloads.Worker) -> Answer:
    """Others can fetch it at once; no attempt is used up."""
    external.unlock(call.engine, call.actor, external_id, body.worker_id, now=call.now)
    return Answer(status=204)


def _fetch(call: Call, body: payloads.FetchAndLock) -> list[dict[str, Any]]:
    return external.fetch_and_lock(
        call.engine,
        call.actor,
        body.worker_id,
        body.topics,
        limit=body.max_tasks,
        lock=body.lock,
        now=current_app.extensions["clock"](),  # a request that waits outlives its own time
    )


def _tasks(found: list[dict[str, Any]]) -> Answer:
    return Answer(
        {
            "items": [
                {
                    "id": row["id"],
                    "process_instance_id": row["instance_id"],
                    "step": row["step"],
                    "topic": row["topic"],
                    "input": row["input"],
                    "attempt": row["attempt"],
                    "failures": row["failures"],
                    "locked_until": row["leased_until"],
                }
                for row in found
            ]
        }
    )

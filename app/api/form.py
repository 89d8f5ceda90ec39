"""Forms over REST: how one stands, its files, and people to name in it."""

from __future__ import annotations

from app.api import payloads_form as payloads
from app.api.binary import FileAnswer
from app.api.call import Answer, Call
from app.api.language import said
from app.api.operation import BASE, Operations
from app.errors import FieldError
from app.identity.queries import find_people
from app.runtime.file_headers import headers_of
from app.runtime.start_form import upload_for_start
from app.task import files, service

operations = Operations("form", "Forms")

_FILES = "/files/<int:file_id>"
_READS = "sees the instance; before it is sent: uploaded it, or could complete the task"


@operations.add(
    "POST",
    "/tasks/<int:task_id>/form",
    "How a form stands",
    body=payloads.FormValues,
    permission="task:read, or takes part",
    answers={200: payloads.FormState},
    changes=False,
)
def look(call: Call, task_id: int, body: payloads.FormValues) -> Answer:
    """Say what a task's form hides, refuses and adds up to with these values; nothing is kept."""
    found = service.look_at(call.engine, call.actor, task_id, body.variables, now=call.now)
    return Answer(
        {
            "hidden": sorted(found.hidden),
            "errors": [_error(each) for each in found.errors],
            "sums": dict(found.sums),
        }
    )


@operations.add(
    "POST",
    "/tasks/<int:task_id>/files",
    "Upload a file for a task",
    query=payloads.FileQuery,
    permission="holder or candidate",
    answers={201: payloads.NewFile},
    takes_file=True,
)
def upload(call: Call, task_id: int, query: payloads.FileQuery) -> Answer:
    """Keep the body as a file for the form; the completion names it by its id, within a day."""
    made = service.upload(
        call.engine, call.actor, task_id, query.field, query.name, call.data, now=call.now
    )
    return Answer(made, 201, {"Location": f"{BASE}/files/{made['id']}"})


@operations.add(
    "POST",
    "/process-definitions/<int:definition_id>/files",
    "Upload a file for a start",
    query=payloads.FileQuery,
    permission="process:start, or the definition allows it",
    answers={201: payloads.NewFile},
    takes_file=True,
)
def upload_to_start(call: Call, definition_id: int, query: payloads.FileQuery) -> Answer:
    """Keep the body as a file for the start form; the start names it by its id, within a day."""
    made = upload_for_start(
        call.engine, call.actor, definition_id, query.field, query.name, call.data, now=call.now
    )
    return Answer(made, 201, {"Location": f"{BASE}/files/{made['id']}"})


@operations.add("GET", _FILES, "One file", permission=_READS, answers={200: payloads.File})
def one(call: Call, file_id: int) -> Answer:
    """Return everything of a file but its content."""
    file = files.get(call.db, call.actor, file_id)
    return Answer({name: file[name] for name in payloads.File.model_fields})


@operations.add(
    "GET", f"{_FILES}/content", "What is in a file", permission=_READS, answers={200: None}
)
def content(call: Call, file_id: int) -> Answer:
    """Return the bytes, with their type and name; browsers are told to keep, not to show them."""
    file, data = files.read(call.db, call.actor, file_id)
    return FileAnswer(headers=headers_of(file), content=data)


@operations.add(
    "GET",
    "/people",
    "Search people",
    query=payloads.PeopleQuery,
    permission="signed in",
    answers={200: payloads.People},
)
def people(call: Call, query: payloads.PeopleQuery) -> Answer:
    """List at most ten active people whose name or username has ``q`` in it: names, no more."""
    return Answer({"items": find_people(call.db, call.actor, query.q)})


def _error(error: FieldError) -> dict[str, str]:
    message = said(error.message, error.params)
    return {"field": error.field, "code": error.code, "message": message}

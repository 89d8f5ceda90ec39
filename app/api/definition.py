"""Definitions over REST: storing, checking, listing, and their life."""

from __future__ import annotations

from collections.abc import Iterator

from app.api import answers, bodies, payloads, reading
from app.api.call import Answer, Call
from app.api.language import translated
from app.api.operation import BASE, Operations
from app.core import jsontext
from app.core.envelope import envelope
from app.core.findings import Finding, Known
from app.definition import queries, service
from app.definition.content import findings_json
from app.definition.row import DefinitionRow
from app.errors import Invalid, Malformed
from app.identity.policy import require

operations = Operations("definition", "Process definitions")

_ONE = "/process-definitions/<int:definition_id>"
_READ = "process:read, or one may start it"
_WRITE = "process:write"


@operations.add(
    "POST",
    "/process-definitions",
    "Create a definition",
    raw=payloads.DefinitionUpload,
    query=payloads.CreateQuery,
    permission=_WRITE,
    answers={201: bodies.Definition, 200: bodies.Definition},
)
def create(call: Call, query: payloads.CreateQuery) -> Answer:
    """Store a version; 200 instead of 201 if exactly this one is there already."""
    require(call.actor, _WRITE)
    source = _source(call)
    names = _names(call)
    row, new = service.create(
        call.db, call.actor, source, known=names, now=call.now, status=query.status
    )
    checked = service.check_source(source, names)
    body = answers.definition(row) | {"warnings": translated(findings_json(checked.findings))}
    place = f"{BASE}/process-definitions/{row.id}"
    return Answer(body, 201 if new else 200, {"Location": place, "ETag": _etag(row)})


@operations.add(
    "GET",
    "/process-definitions",
    "List definitions",
    query=payloads.DefinitionQuery,
    permission=_READ,
    answers={200: bodies.Paged[bodies.DefinitionSummary]},
)
def list_definitions(call: Call, query: payloads.DefinitionQuery) -> Answer:
    """List what the caller may see, by name, the newest version first."""
    page = queries.list_(call.db, call.actor, **query.model_dump())
    return Answer(answers.paged(page, answers.definition_summary))


@operations.add(
    "POST",
    "/process-definitions/check",
    "Check a document without storing it",
    raw=payloads.DefinitionUpload,
    permission="process:read",
    answers={200: bodies.Check},
    changes=False,
)
def check(call: Call) -> Answer:
    """Answer 200 with every finding, broken JSON included."""
    require(call.actor, "process:read")
    try:
        source = _source(call)
    except Malformed:
        source = call.text
    except Invalid as error:
        found = translated(findings_json(_around(call.text, error)))
        return Answer({"valid": False, "findings": found})
    checked = service.check_source(source, _names(call))
    return Answer({"valid": checked.valid, "findings": translated(findings_json(checked.findings))})


@operations.add(
    "GET",
    _ONE,
    "One definition with its document",
    permission=_READ,
    answers={200: bodies.Definition},
)
def one(call: Call, definition_id: int) -> Answer:
    """Return a definition with ``config``."""
    row = queries.get(call.db, call.actor, definition_id)
    return _answer(row)


@operations.add(
    "PUT",
    _ONE,
    "Change a draft",
    raw=payloads.DefinitionUpload,
    permission=_WRITE,
    answers={200: bodies.Definition},
    guarded=True,
)
def update(call: Call, definition_id: int) -> Answer:
    """Replace the document of a draft; ``If-Match`` guards against overwriting."""
    require(call.actor, _WRITE)
    row = service.update_draft(
        call.db,
        call.actor,
        definition_id,
        _source(call),
        known=_names(call),
        now=call.now,
        guard=lambda stored: reading.match(stored.checksum),
    )
    return _answer(row)


@operations.add(
    "DELETE",
    _ONE,
    "Delete a definition that was never started",
    permission=_WRITE,
    answers={204: None},
)
def delete(call: Call, definition_id: int) -> Answer:
    """Delete it; one with instances is refused with 409."""
    service.delete(call.db, call.actor, definition_id)
    return Answer(status=204)


@operations.add(
    ("POST", "PUT"),
    f"{_ONE}/publish",
    "Make a draft active",
    permission=_WRITE,
    answers={200: bodies.Definition},
)
def publish(call: Call, definition_id: int) -> Answer:
    """Make it startable; an active one stays as it is."""
    row = service.publish(call.db, call.actor, definition_id, now=call.now)
    return _answer(row)


@operations.add(
    ("POST", "PUT"),
    f"{_ONE}/retire",
    "Allow no new starts",
    permission=_WRITE,
    answers={200: bodies.Definition},
)
def retire(call: Call, definition_id: int) -> Answer:
    """Running instances go on."""
    row = service.retire(call.db, call.actor, definition_id, now=call.now)
    return _answer(row)


@operations.add(
    "GET",
    f"{_ONE}/versions",
    "All versions of a definition",
    permission=_READ,
    answers={200: bodies.DefinitionVersions},
)
def versions(call: Call, definition_id: int) -> Answer:
    """List the versions of its key that the caller may see, the newest first."""
    row = queries.get(call.db, call.actor, definition_id)
    rows = queries.versions(call.db, call.actor, row.key)
    return Answer({"items": [answers.definition_summary(each) for each in rows]})


def _answer(row: DefinitionRow) -> Answer:
    return Answer(answers.definition(row), headers={"ETag": _etag(row)})


def _etag(row: DefinitionRow) -> str:
    return f'"{row.checksum}"'


def _around(text: str, error: Invalid) -> Iterator[Finding]:
    """Yield what is wrong with the members around the document."""
    sent = jsontext.read(text)
    for each in error.errors:
        line, column = sent.position(each.field)
        yield Finding(each.code, "error", each.field, line, column, each.message, each.params)


def _source(call: Call) -> str:
    """Return the bare document of the body, out of its envelope if it came in one."""
    reading.parse(call.text)
    return envelope(call.text)


def _names(call: Call) -> Known:
    return service.known(call.db, call.engine.services.names(), call.engine.services.types())

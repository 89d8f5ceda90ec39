"""Uploading definitions: files or pasted text, checked or stored, with every finding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from flask import Response, request, url_for
from flask_babel import gettext, ngettext

from app.core.envelope import envelope
from app.core.findings import Finding, Known
from app.core.jsontext import MAX_BYTES
from app.core.references import each_step
from app.definition import service
from app.definition.row import DefinitionRow
from app.errors import Conflict, FieldError, Invalid
from app.identity.policy import require
from app.web import respond
from app.web.forms import text
from app.web.i18n import pick, translate, translate_error
from app.web.runs import moves
from app.web.session import actor, engine, now

MAX_DOCUMENTS: Final = 20
_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Some editors begin a file with it."""

Status = Literal["active", "draft"]


@dataclass
class Document:
    """One text that was sent, and what came of it.

    Args:
        name: of the file; empty for pasted text.
        source: as shown again; empty if it cannot be shown.
        findings: see ``show_findings``.
        problem: why it was refused as a whole.
        status: of an answer with this document alone.
        stored: the row, if it is stored now.
        new: whether that row was not there before.
        valid: whether the check found no error.
    """

    name: str
    source: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    problem: str | None = None
    status: int = 200
    stored: DefinitionRow | None = None
    new: bool = False
    valid: bool = False


def upload_form() -> Response:
    """Show the form."""
    require(actor(), "process:write")
    return _page([Document("", "")])


def receive() -> Response:
    """Check what was sent or store it; what has errors is shown again with all of them."""
    require(actor(), "process:write")
    storing = text("action") == "store"
    status: Status = "draft" if text("status") == "draft" else "active"
    documents = list(_sent())
    if not documents:
        nothing = Document("", "", status=422)
        nothing.problem = gettext("Choose a file or paste a definition, then try again.")
        return _page([nothing], status=422, chosen=status)
    if len(documents) > MAX_DOCUMENTS:
        first = documents[0]
        first.problem = gettext(
            "Send at most %(max)d definitions at once; the others were left out.",
            max=MAX_DOCUMENTS,
        )
        return _page(documents[:1], status=413, chosen=status)
    known = service.known(engine().db, engine().services.names(), engine().services.types())
    for document in documents:
        if document.problem is None:
            _judge(document, known, status if storing else None)
    if storing and all(document.stored for document in documents):
        return _all_stored(documents)
    worst = max(document.status for document in documents)
    return _page(documents, status=worst, chosen=status, checked=not storing)


def show_findings(
    findings: Sequence[Finding], document: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return findings in the reader's language, for the macro ``findings``.

    Args:
        document: what they are about, as far as it could be read: runs name its steps.
    """
    with_run = document if any(finding.witness for finding in findings) else None
    steps = {step["id"]: step for step, _, _ in each_step(with_run)} if with_run else {}
    return [
        {
            "severity": finding.severity,
            "line": finding.line,
            "column": finding.column,
            "pointer": finding.pointer,
            "message": translate(finding.message, finding.params),
            "hint": translate(finding.hint, finding.hint_params) if finding.hint else None,
            "witness": moves(finding.witness, steps) if finding.witness else (),
        }
        for finding in findings
    ]


def _sent() -> Iterator[Document]:
    """Yield the texts of the page's areas that are not empty, then the files."""
    names = request.form.getlist("name")
    for index, pasted in enumerate(request.form.getlist("source")):
        if pasted.strip():
            name = names[index] if index < len(names) else ""
            yield _limited(Document(name, pasted.replace("\r\n", "\n").removeprefix(_MARK)))
    for file in request.files.getlist("files"):
        with file.stream as stream:
            if file.filename:
                yield _of_file(file.filename, stream.read())


def _of_file(name: str, content: bytes) -> Document:
    if len(content) > MAX_BYTES:
        return _too_large(Document(name, ""))
    try:
        return _limited(Document(name, content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        problem = gettext(
            "This is not UTF-8 text. Save it as a JSON file in UTF-8, then upload it again."
        )
        return Document(name, "", problem=problem, status=422)


def _limited(document: Document) -> Document:
    size = len(document.source.encode("utf-8", "replace"))
    return _too_large(document) if size > MAX_BYTES else document


def _too_large(document: Document) -> Document:
    document.status = 413
    document.problem = gettext(
        "This is larger than 1 MiB. Split it into several definitions, or take out what does not"
        " belong to the process."
    )
    return document


def _judge(document: Document, known: Known, status: Status | None) -> None:
    """Check a document and, with ``status``, store it if it has no error."""
    try:
        document.source = envelope(document.source)
        checked = service.check_source(document.source, known)
        document.findings = show_findings(checked.findings, checked.document)
        document.valid = checked.valid
        if not checked.valid:
            document.status = 422
        elif status is not None:
            document.stored, document.new = service.create(
                engine().db, actor(), document.source, known=known, now=now(), status=status
            )
    except (Invalid, Conflict) as error:
        document.problem = translate_error(error)
        document.status = error.status
        document.valid = False
        document.findings += [_finding(each) for each in error.errors]


def _finding(error: FieldError) -> dict[str, Any]:
    """Return what is wrong with the envelope as a finding without a place."""
    message = translate(error.message, error.params)
    return {"severity": "error", "pointer": error.field, "message": message}


def _all_stored(documents: list[Document]) -> Response:
    new = [document for document in documents if document.new]
    if len(documents) > 1:
        message = ngettext("%(num)d definition is new.", "%(num)d definitions are new.", len(new))
        return respond.redirect(url_for("definition.index"), message)
    row = cast(DefinitionRow, documents[0].stored)
    called = {"name": pick(row.names, row.key), "version": row.version}
    url = url_for("definition.show", definition_id=row.id)
    if not new:
        message = gettext(
            "“%(name)s” %(version)s was there already, with just this content.", **called
        )
        return respond.redirect(url, message, "info")
    if row.status == "draft":
        return respond.redirect(
            url, gettext("“%(name)s” %(version)s is stored as a draft.", **called)
        )
    return respond.redirect(
        url, gettext("“%(name)s” %(version)s is stored and can be started.", **called)
    )


def _page(
    documents: list[Document],
    *,
    status: int = 200,
    chosen: Status = "active",
    checked: bool = False,
) -> Response:
    """Show the form with the documents that are not stored yet.

    Args:
        chosen: the status to store with.
        checked: whether this is the answer to a check.
    """
    return respond.page(
        "definition/upload.html",
        status=status,
        documents=documents,
        chosen=chosen,
        checked=checked,
        several=len(documents) > 1,
        max_documents=MAX_DOCUMENTS,
    )

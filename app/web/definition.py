"""Pages of definitions: the list, one with its versions, and its life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext

from app.core import cron
from app.core.definition import Definition
from app.core.moments import zone_of
from app.definition import queries, service
from app.definition.row import DefinitionRow
from app.errors import Conflict, Malformed
from app.identity.policy import may_start, require
from app.identity.queries import display_names, group_titles
from app.web import respond
from app.web.ask import Question, ask
from app.web.dry_run import dry_run
from app.web.i18n import pick, translate_error
from app.web.paging import number_of
from app.web.session import actor, engine, now
from app.web.steps import rows_of
from app.web.upload import receive, show_findings, upload_form

bp = Blueprint("definition", __name__)

_SIZE: Final = 50

bp.get("/definitions/upload", endpoint="upload")(upload_form)
bp.post("/definitions/upload", endpoint="receive")(receive)
bp.add_url_rule(
    "/definitions/<int:definition_id>/dry-run",
    endpoint="dry_run",
    view_func=dry_run,
    methods=["GET", "POST"],
)


@bp.get("/definitions")
def index() -> Response:
    """Show the definitions that the reader may see; htmx gets the list alone."""
    q = (request.args.get("q") or "").strip()
    status = request.args.get("status") or ""
    every = request.args.get("versions") == "all"
    if status not in ("", *queries.STATUSES):
        raise Malformed("bad_status", "There is no such status. Use the filters of the page.")
    found = queries.list_(
        engine().db,
        actor(),
        page=number_of(request.args.get("page")),
        size=_SIZE,
        q=q or None,
        status=status or None,
        latest=not every,
    )

    def address(**changes: Any) -> str:
        kept = {"q": q, "status": status, "versions": "all" if every else ""} | changes
        return url_for("definition.index", **{name: item for name, item in kept.items() if item})

    return respond.page(
        "definition/list.html",
        "definition/list_part.html",
        found=found,
        q=q,
        chosen_status=status,
        every=every,
        names=display_names(engine().db, {row.created_by for row in found.items}),
        may_write=actor().can("process:write"),
        next_url=address(page=found.page + 1) if found.page < found.pages else None,
        first_url=address() if found.page > 1 else None,
        all_url=address(q="", status=""),
    )


@bp.get("/definitions/<int:definition_id>")
def show(definition_id: int) -> Response:
    """Show a definition: its steps, variables, versions, and its text."""
    return _page(definition_id)


@bp.route("/definitions/<int:definition_id>/publish", methods=["GET", "POST"])
def publish(definition_id: int) -> Response:
    """Make it startable, after asking."""
    row = _writable(definition_id)
    if request.method == "GET":
        return ask(
            _question(
                row,
                "publish",
                gettext("Publish “%(name)s” %(version)s?", **_called(row)),
                gettext(
                    "People can start it from then on. It is the one they get if no newer"
                    " version is active."
                ),
                gettext("Publish"),
            )
        )
    done = gettext("“%(name)s” %(version)s can be started now.", **_called(row))
    return _changed(row, service.publish, done)


@bp.route("/definitions/<int:definition_id>/retire", methods=["GET", "POST"])
def retire(definition_id: int) -> Response:
    """Allow no new starts, after asking."""
    row = _writable(definition_id)
    if request.method == "GET":
        return ask(
            _question(
                row,
                "retire",
                gettext("Retire “%(name)s” %(version)s?", **_called(row)),
                gettext(
                    "Nobody can start it any more. What runs goes on; it can be published again."
                ),
                gettext("Retire"),
                danger=True,
            )
        )
    done = gettext("“%(name)s” %(version)s is retired. What runs goes on.", **_called(row))
    return _changed(row, service.retire, done)


@bp.route("/definitions/<int:definition_id>/delete", methods=["GET", "POST"])
def delete(definition_id: int) -> Response:
    """Delete one that was never started, after asking."""
    row = _writable(definition_id)
    if request.method == "GET":
        return ask(
            _question(
                row,
                "delete",
                gettext("Delete “%(name)s” %(version)s?", **_called(row)),
                gettext("Its text is gone then; this cannot be undone."),
                gettext("Delete"),
                danger=True,
            )
        )
    try:
        service.delete(engine().db, actor(), definition_id)
    except Conflict as error:
        return _page(definition_id, error)
    done = gettext("“%(name)s” %(version)s is deleted.", **_called(row))
    return respond.redirect(url_for("definition.index"), done)


def _writable(definition_id: int) -> DefinitionRow:
    """Return a definition that the reader may change: asking already needs the right."""
    row = queries.get(engine().db, actor(), definition_id)
    require(actor(), "process:write")
    return row


def _called(row: DefinitionRow) -> dict[str, str]:
    return {"name": pick(row.names, row.key), "version": row.version}


def _question(
    row: DefinitionRow, verb: str, title: str, text: str, action: str, *, danger: bool = False
) -> Question:
    return Question(
        title=title,
        text=text,
        action=action,
        url=url_for(f"definition.{verb}", definition_id=row.id),
        back_url=url_for("definition.show", definition_id=row.id),
        back_text=pick(row.names, row.key),
        nav="definitions",
        kind="danger-fill" if danger else "primary",
    )


def _changed(row: DefinitionRow, change: Callable[..., DefinitionRow], done: str) -> Response:
    try:
        change(engine().db, actor(), row.id, now=now())
    except Conflict as error:
        return _page(row.id, error)
    return respond.redirect(url_for("definition.show", definition_id=row.id), done)


def _page(definition_id: int, error: Conflict | None = None) -> Response:
    """Return the page of a definition.

    Args:
        error: why a verb was refused; its status is the answer's.
    """
    db, services, who = engine().db, engine().services, actor()
    row = queries.get(db, who, definition_id)
    known = service.known(db, services.names(), services.types())
    checked = service.check_source(row.source, known)
    starters = [key.partition(":")[::2] for key in row.starters]
    users = {name for kind, name in starters if kind == "u"}
    return respond.page(
        "definition/show.html",
        status=error.status if error else 200,
        row=row,
        conflict=translate_error(error) if error else None,
        findings=show_findings(checked.findings, checked.document),
        marks={found.line: found.severity for found in reversed(checked.findings)},
        description=checked.definition.description if checked.definition else row.description,
        steps=rows_of(checked.definition),
        variables=checked.definition.variables.values() if checked.definition else (),
        versions=queries.versions(db, who, row.key),
        starters=starters,
        names=display_names(db, users | {row.created_by}),
        groups=group_titles(db, {name for kind, name in starters if kind == "g"}),
        may_start=row.status == "active" and may_start(who, row.starters),
        may_write=who.can("process:write"),
        may_try=who.can("process:read"),
        next_start=_next_start(row, checked.definition),
        clock_zone=checked.definition.settings.get("timezone") if checked.definition else None,
    )


def _next_start(row: DefinitionRow, definition: Definition | None) -> datetime | None:
    """Return when the clock starts it next: only the newest active version is started.

    Before a duties process has worked the time out, it is what the expression says.
    """
    if row.start_cron is None or row.status != "active" or definition is None:
        return None
    newest = next(
        (
            each
            for each in queries.versions(engine().db, actor(), row.key)
            if each.status == "active"
        ),
        row,
    )
    if newest.id != row.id:
        return None
    zone = zone_of(definition.settings)
    return row.next_start_at or cron.parse(row.start_cron).next_after(now(), zone)

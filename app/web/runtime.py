"""Pages of instances: one's own, all of them, one, and what is done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext

from app.definition import queries as definitions
from app.errors import Malformed
from app.identity.policy import require
from app.identity.queries import display_names, group_titles
from app.runtime import queries
from app.web import instance, repair, respond, sheet, start
from app.web.i18n import pick
from app.web.session import actor, engine
from app.web.words import state_word

bp = Blueprint("runtime", __name__)

_SIZE: Final = 50
_MAX_CHOICES: Final = 200
"""Definitions that the filter offers."""
STATUSES: Final = ("running", "suspended", "completed", "terminated", "failed")
_INCIDENT: Final = "incident"
"""Among the filter's statuses: any that an incident has stopped."""

bp.get("/start", endpoint="catalogue")(start.catalogue)
bp.get("/start/<int:definition_id>", endpoint="start_form")(start.form)
bp.post("/start/<int:definition_id>", endpoint="begin")(start.begin)
bp.get("/instances/<int:instance_id>", endpoint="instance")(instance.show)
bp.get("/instances/<int:instance_id>/sheet", endpoint="sheet")(sheet.show)
for _verb in instance.VERBS:
    bp.add_url_rule(
        f"/instances/<int:instance_id>/{_verb}",
        endpoint=_verb,
        view_func=instance.steer,
        defaults={"verb": _verb},
        methods=["GET", "POST"],
    )
for _rule, _endpoint, _view in (
    ("/incidents/<int:incident_id>/retry", "retry", instance.retry),
    ("/instances/<int:instance_id>/tokens/<int:token>/skip", "skip", repair.skip),
    ("/instances/<int:instance_id>/tokens/<int:token>/jump", "jump", repair.jump),
    ("/instances/<int:instance_id>/variables", "variables", repair.variables),
    ("/instances/<int:instance_id>/migrate", "migrate", repair.move_over),
    ("/instances/<int:instance_id>/restart", "restart", repair.restart),
):
    bp.add_url_rule(_rule, endpoint=_endpoint, view_func=_view, methods=["GET", "POST"])


@bp.get("/requests")
def requests() -> Response:
    """Show what the reader has started."""
    key = request.args.get("definition") or ""
    return _list(
        "runtime/requests.html",
        "runtime.requests",
        started_by=actor().username,
        process_definition_key=key or None,
        chosen=key,
        choices=queries.started_processes(engine().db, actor()),
    )


@bp.get("/instances")
def instances() -> Response:
    """Show all instances that the reader may see."""
    db, who = engine().db, actor()
    if not who.lists_instances:
        require(who, "process:read")
    key = request.args.get("definition") or ""
    choices: Sequence[Any]
    if who.can("process:read"):
        choices = definitions.list_(db, who, size=_MAX_CHOICES, latest=True).items
    else:
        choices = queries.viewed_processes(db, who)
    return _list(
        "runtime/instances.html",
        "runtime.instances",
        process_definition_key=key or None,
        chosen=key,
        choices=choices,
    )


def _list(
    template: str,
    endpoint: str,
    *,
    started_by: str | None = None,
    process_definition_key: str | None = None,
    chosen: str = "",
    choices: Sequence[Any] = (),
) -> Response:
    """Return a list of instances with its filters, or for htmx the list alone.

    Args:
        chosen: the key that the filter of definitions is set to.
        choices: what that filter offers.
    """
    q = (request.args.get("q") or "").strip()
    status, after = request.args.get("status") or "", request.args.get("after") or None
    if status not in ("", _INCIDENT, *STATUSES):
        raise Malformed("bad_status", "There is no such status. Use the filters of the page.")
    found = queries.list_(
        engine().db,
        actor(),
        started_by=started_by,
        process_definition_key=process_definition_key,
        status=status if status not in ("", _INCIDENT) else None,
        has_incident=True if status == _INCIDENT else None,
        q=q or None,
        size=_SIZE,
        after=after,
    )

    users, groups = _people(found.items)

    def address(**changes: Any) -> str:
        kept = {"q": q, "status": status, "definition": chosen} | changes
        return url_for(endpoint, **{name: item for name, item in kept.items() if item})

    return respond.page(
        template,
        "runtime/list_part.html",
        found=found,
        q=q,
        chosen_status=status,
        statuses=(*STATUSES, _INCIDENT),
        choices=choices,
        chosen=chosen,
        chips=_chips(q, status, chosen, choices, address),
        clear_url=url_for(endpoint),
        own=started_by is not None,
        list_url=url_for(endpoint),
        next_url=address(after=found.next) if found.next else None,
        first_url=address() if after else None,
        names=display_names(engine().db, users),
        groups=group_titles(engine().db, groups),
    )


def _chips(
    q: str, status: str, key: str, choices: Sequence[Any], address: Callable[..., str]
) -> list[dict[str, str]]:
    """Return what the list is narrowed by: ``{text, url}``, where ``url`` is without it."""
    found = []
    if key:
        # A row of a query, or a definition: what there is to choose from differs by the list.
        named = {_of(each, "key"): _of(each, "names") for each in choices}
        found.append({"text": pick(named.get(key), key), "url": address(definition="")})
    if status:
        text = str(state_word("instance", status).text)
        found.append({"text": text, "url": address(status="")})
    if q:
        found.append({"text": gettext("“%(words)s”", words=q), "url": address(q="")})
    return found


def _of(each: Any, name: str) -> Any:
    return each[name] if isinstance(each, Mapping) else getattr(each, name)


def _people(items: Iterable[Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """Return the usernames and the groups that instances name."""
    users: set[str] = set()
    groups: set[str] = set()
    for each in items:
        users.add(each["started_by"])
        for task in each["standing"]:
            users |= {task["assignee"], *task["candidates"]["users"]} - {None}
            groups |= set(task["candidates"]["groups"])
    return users, groups

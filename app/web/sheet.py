"""The print sheet of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from app.identity.queries import display_names
from app.runtime.sheet import Sheet, sheet
from app.web import people, respond, timeline
from app.web.i18n import pick
from app.web.instance import nav_of
from app.web.session import actor, engine, now


def show(instance_id: int) -> Response:
    """Show everything about an instance on one page that is made for paper."""
    found = sheet(engine(), actor(), instance_id, now=now())
    shown = found.details
    named = timeline.people(found.lines) | {shown.instance["started_by"]}
    named |= {each["for"] for each in found.decisions if each["for"]}
    names = display_names(engine().db, named)
    decisions = [_decision(found, each) for each in found.decisions]
    people.prepare((each["field"], each["value"]) for each in shown.variables)
    people.prepare(pair for each in decisions for pair in each["entered"])
    history = timeline.moments(
        found.lines,
        names,
        {},
        {step.id: pick(step.name, step.id) for step in shown.definition.steps},
        {child["id"]: child["title"] for child in shown.children},
    )
    return respond.page(
        "runtime/sheet.html",
        instance=shown.instance,
        variables=shown.variables,
        decisions=decisions,
        history=history[::-1],
        seal=found.seal,
        names=names,
        printed_by=actor().name,
        nav=nav_of(shown.instance),
    )


def _decision(found: Sheet, one: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision with what was entered as ``(field, value)``, in the form's order."""
    step, fields = one["step"], found.details.fields
    known = found.details.definition.by_id.get(step["id"]) if step else None
    form = {field["name"]: field for field in (known.config.get("form", ()) if known else ())}
    order = [name for name in form if name in one["values"]]
    order += [name for name in one["values"] if name not in form]
    entered = [
        ({"name": name, **fields.get(name, {}), **form.get(name, {})}, one["values"][name])
        for name in order
    ]
    return {**one, "entered": entered, "name": pick(step["name"], step["id"]) if step else ""}

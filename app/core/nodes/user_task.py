"""Work for people: opens a task with a form and waits for its completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.core.approval import applied, seal
from app.core.definition import Step
from app.core.effects import Effect, OpenTask
from app.core.events import Event, NobodyLeft, TaskCompleted
from app.core.expression import evaluate_config, names_in, shown
from app.core.form import Seen, expand, options_of
from app.core.form_seen import GUARDED
from app.core.keys import Key
from app.core.moments import due_moment
from app.core.nodes import several
from app.core.nodes.base import (
    Branch,
    Decision,
    Fail,
    Leave,
    Node,
    Stay,
    Visit,
    edge_branches,
    kept,
)
from app.core.outcome import choices, decide, deciding_field
from app.core.reminding import first
from app.core.state import Completion
from app.core.tally import alone
from app.core.values import iso_text, json_text, plain_text
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.compiling import Compiling


class UserTask(Node):
    """Who, what they fill in, until when."""

    type = "user_task"
    doc = "Work for people: a task with a form."
    keys = (
        Key("assignee", "text", expr=True, doc="a user, group or role"),
        Key("candidate_users", "names", expr=True, doc="users who may claim it"),
        Key("candidate_groups", "names", expr=True, doc="groups whose members may claim it"),
        *several.KEYS,
        Key("form", "form", doc="the fields: name → type, name → field, or a list of fields"),
        Key("due_date", "due", expr=True, doc="a duration from creation, a date or an expression"),
        Key("priority", "priority", expr=True, doc="0 to 100; default 50"),
        Key("outcomes", "outcomes", doc="`[{id, label, next?, style, requires, confirm?, set}]`"),
        Key("summary", "variable_names", doc="variables that rows of the inbox show, at most 6"),
        Key("bulk", "flag", doc="whether many can be decided at once; default: if it only decides"),
        Key("instructions", "label", doc="what to do, in markdown"),
        Key("allow", "verbs", doc="what people may do with it; default: all but signers"),
        Key("cc", "names", expr=True, doc="who is told of it and may read the instance"),
        Key("approval", "approval", doc="[approval rules](#approval-rules) of this step"),
        Key("reminders", "reminders", doc="when people are reminded: `-1h`, `+1d` of the due date"),
        Key("on_overdue", "overdue", doc="[what happens](#overdue) when it is overdue"),
    )
    waits = True

    def compile(self, config: Mapping[str, Any], making: Compiling) -> dict[str, Any]:
        """Expand the form, and collect the people named for warnings."""
        for key in ("assignee", "assignees", "candidate_users", "candidate_groups", "cc"):
            for index, name in enumerate(_listed(config.get(key))):
                path = (*making.path, key)
                making.person(name, (*path, index) if key != "assignee" else path)
        form = expand(config.get("form"))
        shows = any("show_if" in field for field in form)
        several.check(config, form, making)
        made = {**config, "form": form, "live": _live(form), "shows": shows}
        everywhere = making.document.value.get("settings", {}).get("approval", {})
        if everywhere or "approval" in config:
            made["approval_rules"] = {"all": everywhere, "own": config.get("approval", {})}
        return made

    def enter(self, visit: Visit) -> Decision:
        """Open the task."""
        config, step = visit.step.config, visit.step
        assignee = visit.config("assignee")
        users = _names(visit.config("candidate_users"))
        groups = _names(visit.config("candidate_groups"))
        due = due_moment(config.get("due_date"), visit)
        form = _form(visit)
        priority = visit.config("priority", 50)
        cc = _names(visit.config("cc"))
        rules = applied(visit) if "approval_rules" in config else None
        seats = several.seats(visit)
        for value in (due, users, groups, form, cc, rules, seats):
            if isinstance(value, Fail):
                return value
        if isinstance(priority, Decimal) and priority == int(priority):
            priority = int(priority)
        if isinstance(priority, bool) or not isinstance(priority, int) or not 0 <= priority <= 100:
            message = "The priority must be a whole number from 0 to 100."
            return Fail("bad_priority", message, {"value": shown(priority)})

        def effects(wait: int) -> tuple[Effect, ...]:
            return (
                OpenTask(
                    step=step.id,
                    wait=wait,
                    token=visit.token,
                    assignee=plain_text(assignee) or None if assignee is not None else None,
                    candidate_users=users if isinstance(users, tuple) else (),
                    candidate_groups=groups if isinstance(groups, tuple) else (),
                    form=form if isinstance(form, tuple) else (),
                    outcomes=choices(step),
                    due_at=due if isinstance(due, datetime) else None,
                    priority=priority,
                    instructions=config.get("instructions"),
                    allow=tuple(config["allow"]) if "allow" in config else None,
                    cc=cc if isinstance(cc, tuple) else (),
                    approval=rules if isinstance(rules, dict) else None,
                    remind_at=first(step, due, visit.now) if isinstance(due, datetime) else None,
                    **(seats if isinstance(seats, dict) else {}),
                    again=visit.again.by if visit.again is not None else None,
                ),
            )

        return Stay("task", effects)

    def branches(self, step: Step) -> tuple[Branch, ...]:
        """Each choice of the person, else the edges."""
        offered = choices(step)
        if offered:
            return tuple(
                Branch((row["target"],) if row["target"] else (), f"outcome {row['id']}")
                for row in offered
            )
        field = deciding_field(step)
        if field is not None:
            return tuple(
                Branch((edge.target,), f"{field} = {answer}")
                for edge, answer in zip(step.next, ("true", "false"), strict=True)
            )
        return edge_branches(step)

    def answer(self, visit: Visit, event: Event) -> Decision | None:
        """Take the form's values along and go where the decision leads."""
        if isinstance(event, NobodyLeft):
            message = "There is nobody left who could be given the task."
            return Fail("empty_assignee", message, {"wanted": list(event.wanted)})
        if not isinstance(event, TaskCompleted):
            return None
        decided = decide(
            visit.step,
            event.values,
            event.outcome,
            comment=event.comment,
            seen=Seen(visit.scope, visit.now) if visit.step.config.get("shows") else None,
            together=event.votes is not None,
        )
        # What a rule decides nobody has filled in: it lacks what people would have to give.
        if decided.errors and not (event.rule and decided.outcome):
            return Fail("no_decision", decided.errors[0].text(), {"values": shown(event.values)})
        also = _set_by(visit, event)
        if isinstance(also, Fail):
            return also
        votes = event.votes
        if votes is None and "assignees" in visit.step.config:
            votes = alone(visit.step, event)
        variables = {**event.values, **also}
        completion = Completion(
            event.by,
            iso_text(event.at),
            event.values,
            decided.outcome,
            seal=seal(visit.definition, visit.variables, variables),
            votes=votes,
            behalf=event.on_behalf_of,
        )
        return Leave(decided.target, variables, completion, by_edges=decided.target is None)


def _set_by(visit: Visit, event: TaskCompleted) -> dict[str, Any] | Fail:
    for outcome in visit.step.config.get("outcomes", ()):
        if outcome["id"] == event.outcome and outcome.get("set"):
            scope = {**visit.scope, **event.values}
            found: dict[str, Any] | Fail = kept(evaluate_config(outcome["set"], scope, visit.now))
            return found
    return {}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _names(value: Any) -> tuple[str, ...] | Fail:
    if value is None:
        return ()
    found = [name for name in _listed(value) if name is not None]
    if not all(isinstance(name, str) for name in found):
        message = "Candidates must be a list of names."
        return Fail("bad_people", message, {"value": shown(value)})
    return tuple(name for name in found if name)


def _live(form: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Return, by place in the form, what of a field is evaluated when the task opens."""
    live: dict[int, dict[str, Any]] = {}
    for index, field in enumerate(form):
        given: dict[str, Any] = {key: field[key] for key in ("default", "options") if key in field}
        columns = _live(field.get("columns", ()))
        if columns:
            given["columns"] = columns
        if columns or "$" in json_text(given):
            live[index] = given
    return live


def _form(visit: Visit) -> tuple[Mapping[str, Any], ...] | Fail:
    """Evaluate what fields take from the variables: their defaults and options."""
    form: tuple[Mapping[str, Any], ...] = visit.step.config.get("form", ())
    live = visit.step.config.get("live")
    if not live:
        return form
    return _evaluated(form, live, visit)


def _evaluated(
    form: Sequence[Mapping[str, Any]], live: Mapping[int, Mapping[str, Any]], visit: Visit
) -> tuple[Mapping[str, Any], ...] | Fail:
    fields = list(form)
    for index, given in live.items():
        name = form[index]["name"]
        plain = {key: given[key] for key in given if key != "columns"}
        changed: dict[str, Any] | Fail = kept(evaluate_config(plain, visit.scope, visit.now))
        if isinstance(changed, Fail):
            return changed
        if names_in(plain.get("default")) & visit.definition.sensitive:
            changed[GUARDED] = True
        options = changed.get("options", [])
        if not isinstance(options, list):
            message = Phrase("The options of %(field)s must be a list.", field=name)
            return Fail("bad_options", message, {"value": shown(options)})
        if options:
            changed["options"] = options_of(options)
        if "columns" in given:
            columns = _evaluated(form[index]["columns"], given["columns"], visit)
            if isinstance(columns, Fail):
                return columns
            changed["columns"] = list(columns)
        fields[index] = {**form[index], **changed}
    return tuple(fields)

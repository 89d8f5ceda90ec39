"""The history of an instance as moments that a person follows, the latest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import url_for
from flask_babel import LazyString, lazy_gettext
from markupsafe import Markup

from app.web import reasons, verb_words
from app.web.i18n import pick
from app.web.rich_values import field_value
from app.web.words import account, event_word

Line = Mapping[str, Any]
Fields = Mapping[str, Mapping[str, Any]]

_SENTENCES: Final[Mapping[str, LazyString]] = {
    "task.claimed": lazy_gettext("%(step)s: claimed"),
    "task.released": lazy_gettext("%(step)s: released"),
    "task.completed": lazy_gettext("%(step)s: completed"),
    "task.cancelled": lazy_gettext("%(step)s: withdrawn"),
    "task.returned": lazy_gettext("%(step)s: returned to %(to)s"),
    "task.recalled": lazy_gettext("%(step)s: decision taken back"),
    "job.failed": lazy_gettext("%(step)s: attempt %(attempt)s failed"),
    "job.completed": lazy_gettext("%(step)s: done automatically"),
    "timer.fired": lazy_gettext("%(step)s: time reached"),
    "message.received": lazy_gettext("%(step)s: message “%(name)s” received"),
    "message.sent": lazy_gettext("%(step)s: message “%(name)s” sent"),
    "child.started": lazy_gettext("%(step)s: process %(process)s started"),
    "child.ended": lazy_gettext("%(step)s: the process it called has ended"),
    "token.skipped": lazy_gettext("%(step)s: skipped"),
    "token.jumped": lazy_gettext("%(step)s: moved on to %(to)s"),
    "incident.opened": lazy_gettext("%(step)s: stopped by an incident"),
    "incident.resolved": lazy_gettext("%(step)s: incident resolved"),
}
"""What is told of a step. Its being reached and left is seen from what is done there."""

_TOGETHER: Final = lazy_gettext("%(step)s: decided, %(approved)d for it and %(rejected)d against")
"""What is told of a step that several people decided."""
_INSTEAD: Final = lazy_gettext("%(step)s: decided by a manager")
_BESIDE: Final = lazy_gettext("%(step)s: ended, because “%(to)s” was returned")
_OF_THE_WHOLE: Final = "instance."
_QUIET: Final = frozenset({"skipped", "withdrawn"})
"""How an incident ends when another line tells why."""


def moments(
    lines: Iterable[Line],
    names: Mapping[str, str],
    fields: Fields | None = None,
    steps: Mapping[str, str] | None = None,
    children: Mapping[int, str] | None = None,
) -> list[dict[str, Any]]:
    """Return the lines worth telling as items of the macro ``timeline``.

    Args:
        lines: as ``history.queries.events`` gives them, the oldest first.
        names: username → what a person is called.
        fields: variable → its ``label``, ``type`` and ``options``, for what somebody entered;
            shown in this order, others after them.
        steps: step id → what it is called, for steps that a line leads to.
        children: id → title of the instances that were called and may be seen.
    """
    lines = list(lines)
    returned = {line["seq"]: line for line in lines if line["kind"] == "task.returned"}
    told = [
        _moment(line, names, fields or {}, steps or {}, children or {}, returned.get(line["seq"]))
        for line in lines
        if _is_told(line) and not _follows(line, returned.get(line["seq"]))
    ]
    return told[::-1]


def people(lines: Iterable[Line]) -> set[str]:
    """Return the usernames in the lines, to be looked up for ``moments``."""
    lines = list(lines)
    named = {line[by] for line in lines for by in ("actor", "on_behalf_of") if line[by]}
    return named.union(*(verb_words.people(line) for line in lines))


def given(lines: Iterable[Line]) -> Iterable[Mapping[str, Any]]:
    """Return the values that lines tell of, by their names."""
    return (line["data"]["values"] for line in lines if line["data"].get("values"))


def _is_told(line: Line) -> bool:
    kind = line["kind"]
    if kind == "variables.changed":
        # Only a person's correction has a place for a reason; the others follow from a step.
        return "reason" in line["data"]
    if kind == "incident.resolved" and line["data"].get("how") in _QUIET:
        return False
    return kind in _SENTENCES or kind in verb_words.SENTENCES or kind.startswith(_OF_THE_WHOLE)


def _follows(line: Line, returned: Line | None) -> bool:
    """Say whether a line tells only that a task is gone which another says was returned."""
    if returned is None or line["kind"] != "task.cancelled":
        return False
    return bool(line["data"].get("wait") == returned["data"]["wait"])


def _moment(
    line: Line,
    names: Mapping[str, str],
    fields: Fields,
    steps: Mapping[str, str],
    children: Mapping[int, str],
    returned: Line | None,
) -> dict[str, Any]:
    data = line["data"]
    beside = returned if line["kind"] == "task.cancelled" else None
    word = event_word(line["kind"])
    at: datetime = line["at"]
    return {
        "icon": word.icon,
        "tone": word.tone,
        "text": _sentence(line, word.text, steps, names, beside),
        "by": None
        if line["actor"] in (None, "system")
        or line["kind"] in verb_words.SENTENCES
        or _is_joint(line)
        else verb_words.doer(line, names),
        "at": at,
        "quote": None if _is_joint(line) or beside else _quote(data),
        "files": data.get("files") or (),
        "detail": _child(data, children) or _detail(line["kind"], data, fields),
    }


def _quote(data: Mapping[str, Any]) -> str | None:
    """Return what was said to it, by a person or by the engine."""
    reason = data.get("reason")
    return data.get("comment") or (reasons.in_words(reason) if reason else None)


def _is_joint(line: Line) -> bool:
    """Say whether a line tells what several people's votes came to."""
    return line["kind"] == "task.completed" and "votes" in line["data"]


def _sentence(
    line: Line,
    otherwise: LazyString | str,
    steps: Mapping[str, str],
    names: Mapping[str, str],
    beside: Line | None,
) -> str:
    if line["kind"] in verb_words.SENTENCES:
        return verb_words.sentence(line, names)
    template = _SENTENCES.get(line["kind"])
    step = line["step"]
    if template is None or step is None:
        return str(otherwise)
    data = line["data"]
    target = str(data.get("to") or "")
    if beside is not None and beside["step"] is not None:
        other = pick(beside["step"]["name"], beside["step"]["id"])
        return str(_BESIDE) % {"step": pick(step["name"], step["id"]), "to": other}
    if _is_joint(line):
        template = _TOGETHER if data["votes"]["total"] else _INSTEAD
    return str(template) % {
        **data.get("votes", {}),
        "step": pick(step["name"], step["id"]),
        "attempt": data.get("attempt", ""),
        "name": data.get("name", ""),
        "process": data.get("process_key", ""),
        "to": steps.get(target, target),
    }


def _child(data: Mapping[str, Any], children: Mapping[int, str]) -> Markup:
    """Return a link to the instance that a line is about."""
    child = data.get("child")
    if not isinstance(child, int) or child not in children:
        return Markup()
    return Markup('<p class="small"><a href="{}">{}</a></p>').format(
        url_for("runtime.instance", instance_id=child), children[child]
    )


def _detail(kind: str, data: Mapping[str, Any], fields: Fields) -> Markup:
    """Return what was entered, or what went wrong."""
    if kind in ("job.failed", "incident.opened") and data.get("message"):
        return account(data["message"], "muted small")
    if kind not in ("task.completed", "task.voted", "variables.changed", "decision.automatic"):
        return Markup()
    if kind == "task.completed" and "votes" in data:  # each vote has told its own
        return Markup()
    given = {name: item for name, item in (data.get("values") or {}).items() if item is not None}
    in_order = [*(name for name in fields if name in given), *(n for n in given if n not in fields)]
    rows = Markup().join(
        Markup("<dt>{}</dt><dd>{}</dd>").format(
            pick(fields.get(name, {}).get("label"), name),
            field_value(given[name], fields.get(name, {})),
        )
        for name in in_order
    )
    return Markup('<dl class="entered small">{}</dl>').format(rows) if rows else Markup()

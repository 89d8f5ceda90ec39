"""What rules have decided, and what clocks have set off, as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext

Line = Mapping[str, Any]

BY_RULE: Final[Mapping[str, LazyString]] = {
    "self_approval": lazy_gettext("nobody but the initiator was there to decide"),
    "duplicate_approver": lazy_gettext("the same person approved before"),
    "empty_assignee": lazy_gettext("nobody was there to decide"),
    "on_overdue": lazy_gettext("it was overdue"),
}
"""Why a rule has decided, by its name."""
_DECIDED: Final = lazy_gettext("%(step)s: decided by rule, as %(why)s")
_GIVEN: Final[Mapping[str, LazyString]] = {
    "to_manager": lazy_gettext("%(step)s: given to %(to)s instead of the initiator"),
    "to_owner": lazy_gettext("%(step)s: given to %(to)s, as nobody else is there"),
}
_OVERDUE: Final[Mapping[str, LazyString]] = {
    "notify": lazy_gettext("“%(step)s” is overdue; told: %(to)s"),
    "escalate": lazy_gettext("“%(step)s” is overdue and was escalated to %(to)s"),
    "reassign": lazy_gettext("“%(step)s” was overdue and is given to %(to)s"),
}
_REMINDED: Final = lazy_gettext("The clock reminded %(to)s of “%(step)s”")
AUTOMATIC: Final = "decision.automatic"
OVERDUE: Final = "task.overdue"


def is_told(line: Line) -> bool:
    """Say whether this module has the words for a line of the history."""
    if line["kind"] == AUTOMATIC:
        return bool(line["data"].get("rule"))
    return line["kind"] == OVERDUE or (line["kind"] == "task.reminded" and "at" in line["data"])


def people(line: Line) -> set[str]:
    """Return the usernames that the sentence about a line names."""
    return {key[2:] for key in _keys(line) if key.startswith("u:")} if is_told(line) else set()


def sentence(line: Line, step: str, names: Mapping[str, str]) -> str:
    """Say in a sentence what a rule or a clock did.

    Args:
        line: one that ``is_told``.
        step: what its step is called.
        names: username → what a person is called.
    """
    named = [(key[:2], key[2:]) for key in _keys(line)]
    to = gettext(", ").join(names.get(name, name) if kind == "u:" else name for kind, name in named)
    data = line["data"]
    if line["kind"] == AUTOMATIC:
        rule = data["rule"]
        if data.get("given_to"):
            return str(_GIVEN.get(rule, _GIVEN["to_owner"])) % {"step": step, "to": to}
        return str(_DECIDED) % {"step": step, "why": why(rule)}
    if line["kind"] == OVERDUE:
        return str(_OVERDUE[data["action"]]) % {"step": step, "to": to}
    if not named:
        to = gettext("those whom it is offered to")
    return str(_REMINDED) % {"step": step, "to": to}


def why(rule: str) -> str:
    """Return why a rule has decided."""
    return str(BY_RULE.get(rule, rule))


def _keys(line: Line) -> list[str]:
    data = line["data"]
    if data.get("to") and line["kind"] == "task.reminded":
        return [f"u:{data['to']}"]
    return list(data.get("given_to") or data.get("keys") or ())

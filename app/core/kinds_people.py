"""How the parts of a user step are checked that say who may decide, and what its clock does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from app.core import approval, reminding
from app.core.checks import wrong
from app.core.compiling import Compiling, Path
from app.core.definition import Definition, Step
from app.core.duration import DurationError
from app.core.keys import Key
from app.core.kinds import CHECKERS, bad_duration, check_object

APPROVAL: Final = (
    Key(
        "self_approval",
        "choice",
        choices=approval.SELF,
        doc="what if the person is the initiator; default `allow`",
    ),
    Key("exclude", "names", expr=True, doc="usernames of people who may not decide"),
    Key(
        "duplicate_approver",
        "choice",
        choices=approval.DUPLICATE,
        doc="what if the person has approved before; default `ask`",
    ),
    Key(
        "empty_assignee",
        "text",
        doc="`to_owner` (default), `incident`, `auto_approve`, `auto_reject`, or a name",
    ),
)
"""What ``approval`` of a step and of the settings holds."""
OVERDUE: Final = (
    Key("action", "choice", required=True, choices=reminding.ACTIONS, doc="what happens"),
    Key("to", "text", expr=True, doc="whom it is escalated to, or who gets it"),
    Key("outcome", "text", doc="what is decided: an outcome, or `true` or `false`"),
    Key("after", "duration", doc="how long after the due date; default: at once"),
)
"""What ``on_overdue`` of a step holds."""
_NEEDED: Final[Mapping[str, str]] = {"reassign": "to", "outcome": "outcome"}


def _approval(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, Mapping):
        wrong(making, path, "an object")
        return
    check_object(making, APPROVAL, value, path, "approval")


def _reminders(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    most = reminding.MAX_REMINDERS
    texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
    if not texts or not 0 < len(value) <= most:
        wrong(making, path, "a list of 1 to %(max)d durations, as -1h or +1d", max=most)
        return
    for index, text in enumerate(value):
        try:
            reminding.offset(text)
        except DurationError as error:
            bad_duration(making, (*path, index), error)


def _overdue(making: Compiling, _key: Key, value: Any, path: Path) -> None:
    if not isinstance(value, Mapping):
        wrong(making, path, "an object with an action")
        return
    check_object(making, OVERDUE, value, path, "on_overdue")
    needed = _NEEDED.get(str(value.get("action")))
    if needed is not None and needed not in value:
        making.error(
            "missing_key", path, "%(what)s needs %(name)s.", what="on_overdue", name=needed
        )


CHECKERS.update({"approval": _approval, "reminders": _reminders, "overdue": _overdue})


def check_people(making: Compiling, definition: Definition) -> None:
    """Note what rules and clocks ask of steps that cannot give it."""
    for step in definition.steps:
        if step.type != "user_task":
            continue
        path: Path = (*step.path, "config")
        _check_automatic(making, step, path)
        _check_clock(making, step, path)


def _check_automatic(making: Compiling, step: Step, path: Path) -> None:
    rules, own = approval.rules_of(step), step.config.get("approval", {})
    for name, asked, approve in (
        ("self_approval", "skip", True),
        ("duplicate_approver", "auto_approve_consecutive", True),
        ("duplicate_approver", "auto_approve_any", True),
        ("empty_assignee", "auto_approve", True),
        ("empty_assignee", "auto_reject", False),
    ):
        if rules.get(name) != asked or approval.automatic(step, approve=approve) is not None:
            continue
        making.error(
            "undecidable",
            (*path, "approval", name) if name in own else ("settings", "approval", name),
            "%(rule)s cannot decide the step %(step)s: nothing says how.",
            hint=(
                "Give its form one yes/no, or give it outcomes of which the first approves and"
                " one of style danger rejects; or give the step an approval of its own."
            ),
            rule=asked,
            step=step.id,
        )


def _check_clock(making: Compiling, step: Step, path: Path) -> None:
    config = step.config
    for name in ("reminders", "on_overdue"):
        if name in config and "due_date" not in config:
            making.error(
                "missing_key", (*path, name), "%(what)s needs %(name)s.", what=name, name="due_date"
            )
    outcome = config.get("on_overdue", {}).get("outcome")
    if outcome is not None and approval.by_word(step, outcome) is None:
        making.error(
            "unknown_outcome",
            (*path, "on_overdue", "outcome"),
            "The step %(step)s has no outcome %(outcome)s.",
            hint="It has: %(known)s.",
            step=step.id,
            outcome=outcome,
            known=", ".join(approval.words(step)) or "–",
        )

"""What people did with a task beside answering it, as sentences of the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext

from app.web import rule_words
from app.web.i18n import pick

Line = Mapping[str, Any]

_FROM: Final = lazy_gettext("%(by)s gave “%(step)s”, which %(from)s had, to %(to)s")
_BEFORE: Final = lazy_gettext("%(by)s let %(to)s sign “%(step)s” first")
_AFTER: Final = lazy_gettext("%(by)s decided “%(step)s”, and lets %(to)s sign after that")
_WHEN: Final[Mapping[str, LazyString]] = {"before": _BEFORE, "after": _AFTER}
_ADVISED: Final[Mapping[str, LazyString]] = {
    "approve": lazy_gettext("%(by)s advised to approve “%(step)s”"),
    "reject": lazy_gettext("%(by)s advised against “%(step)s”"),
}
_SIGNED: Final[Mapping[str, LazyString]] = {
    "approve": lazy_gettext("%(by)s signed “%(step)s”"),
    "reject": lazy_gettext("%(by)s did not sign “%(step)s”"),
}
_UNASKED: Final = lazy_gettext("%(by)s withdrew the question to %(to)s about “%(step)s”")
_UNSIGNED: Final = lazy_gettext("%(by)s took %(to)s away from those who sign “%(step)s”")
_BY_STEP: Final = lazy_gettext("“%(step)s” was copied to %(to)s by the process")
_TO_ALL: Final = lazy_gettext("%(by)s reminded everyone whom “%(step)s” was offered to")
_APPROVED: Final = lazy_gettext("%(by)s approved “%(step)s”: %(count)s")
_REJECTED: Final = lazy_gettext("%(by)s rejected “%(step)s”: %(count)s")
_AS_MANAGER: Final[Mapping[bool | None, LazyString]] = {
    True: lazy_gettext("%(by)s approved “%(step)s” as a manager, which is no vote: %(count)s"),
    False: lazy_gettext("%(by)s rejected “%(step)s” as a manager, which is no vote: %(count)s"),
    None: lazy_gettext("%(by)s did a part of “%(step)s” as a manager: %(count)s"),
}
_INSTEAD: Final = lazy_gettext("%(by)s decided “%(step)s” as a manager, in place of the others")
_BY_RULE: Final = lazy_gettext("“%(step)s”: one part decided by rule, as %(why)s; %(count)s")
SENTENCES: Final[Mapping[str, LazyString]] = {
    "task.assigned": lazy_gettext("%(by)s gave “%(step)s” to %(to)s"),
    "task.transferred": lazy_gettext("%(by)s transferred “%(step)s” to %(to)s"),
    "task.signer_added": lazy_gettext("%(by)s let %(to)s decide “%(step)s” too"),
    "task.signer_removed": lazy_gettext("%(by)s took %(to)s away from “%(step)s”"),
    "task.voted": lazy_gettext("%(by)s did their part of “%(step)s”: %(count)s"),
    "task.delegated": lazy_gettext("%(by)s asked %(to)s for advice on “%(step)s”"),
    "task.consulted": lazy_gettext("%(by)s asked %(to)s about “%(step)s”"),
    "task.resolved": lazy_gettext("%(by)s answered %(to)s about “%(step)s”"),
    "task.pulled_back": lazy_gettext("%(by)s took “%(step)s” back from %(to)s"),
    "task.unasked": lazy_gettext("“%(step)s”: %(to)s need not answer any more"),
    "task.not_applied": lazy_gettext(
        "“%(step)s”: the decision is not possible any more and is back with %(to)s"
    ),
    "task.commented": lazy_gettext("%(by)s commented on “%(step)s”"),
    "task.comment_edited": lazy_gettext("%(by)s corrected a comment on “%(step)s”"),
    "task.copied": lazy_gettext("%(by)s sent a copy of “%(step)s” to %(to)s"),
    "task.reminded": lazy_gettext("%(by)s reminded %(to)s of “%(step)s”"),
    "task.overdue": lazy_gettext("“%(step)s” is overdue"),
    "decision.automatic": lazy_gettext("%(step)s: decided by rule"),
}
"""By the kinds of lines; each names who did it."""


def people(line: Line) -> set[str]:
    """Return the usernames that the sentence about a line names."""
    if line["kind"] not in SENTENCES:
        return set()
    if rule_words.is_told(line):
        return rule_words.people(line)
    return {name for name in (line["data"].get("from"), *_named(line)) if name}


def doer(line: Line, names: Mapping[str, str]) -> str:
    """Return who did something, and for whom, if that person was away."""
    by, absent = line["actor"], line["on_behalf_of"]
    if absent is None:
        return str(names.get(by, by))
    return str(
        gettext(
            "%(name)s for %(absent)s",
            name=names.get(by, by),
            absent=names.get(absent, absent),
        )
    )


def sentence(line: Line, names: Mapping[str, str]) -> str:
    """Say in a sentence what somebody did.

    Args:
        line: of a kind that is in ``SENTENCES``.
        names: username → what a person is called.
    """
    kind, data, step = line["kind"], line["data"], line["step"]
    if rule_words.is_told(line):
        return rule_words.sentence(line, pick(step["name"], step["id"]) if step else "", names)
    template = SENTENCES[kind]
    if "keys" in data:
        template = _BY_STEP
    elif kind == "task.assigned" and data.get("from"):
        template = _FROM
    elif kind == "task.signer_added" and data.get("where") in _WHEN:
        template = _WHEN[data["where"]]
    elif kind == "task.unasked" and data["why"] == "withdrawn":
        template = _UNASKED
    elif kind == "task.signer_removed" and data.get("where") in _WHEN:
        template = _UNSIGNED
    elif kind == "task.resolved" and data.get("outcome"):
        template = (_ADVISED if data["role"] == "delegate" else _SIGNED)[data["outcome"]]
    elif kind == "task.reminded" and not (data.get("to") or data.get("users")):
        template = _TO_ALL
    elif kind == "task.voted" and data.get("rule"):
        template = _BY_RULE
    elif kind == "task.voted" and not data.get("counted", True):
        nobody = not (data.get("votes") or {}).get("total")
        template = _INSTEAD if nobody else _AS_MANAGER[data.get("approved")]
    elif kind == "task.voted" and "approved" in data:
        template = _APPROVED if data["approved"] else _REJECTED
    return str(template) % {
        "count": so_far(data.get("votes") or {}),
        "by": doer(line, names),
        "why": rule_words.why(data["rule"]) if data.get("rule") else "",
        "step": pick(step["name"], step["id"]) if step else "",
        "from": names.get(data.get("from"), data.get("from")),
        "to": gettext(", ").join(names.get(name, name) for name in _named(line)),
    }


def so_far(votes: Mapping[str, Any]) -> str:
    """Say how many of those who decide together have decided."""
    if not votes:
        return ""
    count = votes["approved"] + votes["rejected"]
    return str(gettext("%(count)d of %(total)d have decided", count=count, total=votes["total"]))


def _named(line: Line) -> list[str]:
    """Return whom something went to: usernames, and names of groups and roles."""
    data = line["data"]
    if "keys" in data:
        return [key.partition(":")[2] for key in data["keys"]]
    return data.get("users") or [data["to"]] if data.get("to") or data.get("users") else []

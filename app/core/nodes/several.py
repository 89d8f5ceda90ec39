"""The part of a user task that is for several people at once: ``assignees`` and ``mode``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from app.core.expression import shown
from app.core.keys import Key
from app.core.nodes.base import Fail, Visit
from app.core.rules import MODES, ON_REJECT
from app.core.tally import MAX_SEATS, approving, deciding_candidates, rules_of
from app.errors import Phrase

if TYPE_CHECKING:
    from app.core.compiling import Compiling, Path

KEYS: Final = (
    Key("assignees", "names", expr=True, doc="several people, each with a task of their own"),
    Key("mode", "choice", choices=MODES, doc="when they have decided; default `all`"),
    Key("ratio", "ratio", expr=True, doc="what part of them has to approve, above 0 and up to 1"),
    Key("on_reject", "choice", choices=ON_REJECT, doc="whether a rejection ends it"),
    Key("decision_field", "field", doc="the yes/no that says what counts as approval"),
    Key("expand", "flag", doc="false: a group among them is one of them, not its members"),
)
_ONLY_TOGETHER: Final = ("mode", "ratio", "on_reject", "expand")
_ONLY_ALONE: Final = ("assignee", "candidate_users", "candidate_groups")


def check(config: Mapping[str, Any], form: Sequence[Mapping[str, Any]], making: Compiling) -> None:
    """Note what does not go together."""
    path = making.path
    _decision_field(config, form, making)
    if "assignees" not in config:
        for name in _ONLY_TOGETHER:
            if name in config:
                making.error(
                    "not_together",
                    (*path, name),
                    "%(name)s is for several people: there are no assignees here.",
                    hint="Name the people in assignees, or remove %(name)s.",
                    key=True,
                    name=name,
                )
        return
    for name in _ONLY_ALONE:
        if name in config:
            making.error(
                "not_together",
                (*path, name),
                "A step has either assignees, who each get a task, or %(name)s.",
                hint="Remove one of the two; a group may stand in assignees as well.",
                key=True,
                name=name,
            )
    if config["assignees"] == []:
        making.error(
            "wrong_type",
            (*path, "assignees"),
            "This must be %(expected)s.",
            expected=Phrase("a list of at least one name"),
        )
    _mode(config, path, making)
    _decidable(config, form, path, making)


def _mode(config: Mapping[str, Any], path: Path, making: Compiling) -> None:
    mode = config.get("mode", "all")
    if mode == "ratio" and "ratio" not in config:
        making.error(
            "missing_key",
            path,
            "The mode ratio needs a ratio.",
            hint="Say what part has to approve: 0.5 for half, ${2 / 3} for two thirds.",
        )
    if mode != "ratio" and "ratio" in config:
        making.error(
            "not_together",
            (*path, "ratio"),
            "A ratio is counted in the mode ratio only; here it is %(mode)s.",
            hint='Write "mode": "ratio", or remove the ratio.',
            key=True,
            mode=mode,
        )
    if mode in ("any", "sequential") and "on_reject" in config:
        making.error(
            "not_together",
            (*path, "on_reject"),
            "on_reject says nothing in the mode %(mode)s: there a rejection ends it.",
            hint="Remove on_reject, or use the mode all or ratio.",
            key=True,
            mode=mode,
        )


def _decision_field(
    config: Mapping[str, Any], form: Sequence[Mapping[str, Any]], making: Compiling
) -> None:
    named = config.get("decision_field")
    fields = deciding_candidates(form)
    if named is not None and named not in fields:
        making.error(
            "unknown_field",
            (*making.path, "decision_field"),
            "%(name)s is no yes/no field of the form that everybody answers.",
            hint="Name a boolean field that is neither read_only nor shown by a show_if"
            " (there are: %(fields)s), or leave out decision_field.",
            name=named,
            fields=", ".join(fields) or "–",
        )


def _decidable(
    config: Mapping[str, Any], form: Sequence[Mapping[str, Any]], path: Path, making: Compiling
) -> None:
    """Note a step of which nobody can say what approves."""
    if config.get("decision_field") is not None:
        return
    outcomes = config.get("outcomes")
    if outcomes:
        if not approving(outcomes):
            making.error(
                "undecidable",
                (*path, "outcomes"),
                "None of these outcomes approves: all are of the style danger.",
                hint="Give what approves another style, or say by decision_field what decides.",
            )
        return
    fields = deciding_candidates(form)
    if len(fields) > 1:
        making.error(
            "undecidable",
            (*path, "form"),
            "Several yes/no fields could decide: %(fields)s.",
            hint="Say by decision_field which one counts as approval.",
            key=True,
            fields=", ".join(fields),
        )


def seats(visit: Visit) -> dict[str, Any] | Fail:
    """Return what a task for several people says beside; empty for that of one."""
    config = visit.step.config
    if "assignees" not in config:
        return {}
    given = visit.config("assignees")
    listed = given if isinstance(given, list | tuple) else [given]
    names = [name for name in listed if name is not None]
    if not all(isinstance(name, str) for name in names):
        message = "Who decides must be a list of names."
        return Fail("bad_people", message, {"value": shown(given)})
    if len(names) > MAX_SEATS:
        message = Phrase("At most %(max)d people can decide together.", max=MAX_SEATS)
        return Fail("bad_people", message, {"count": len(names)})
    ratio = visit.config("ratio") if config.get("mode") == "ratio" else None
    if ratio is not None and not _is_ratio(ratio):
        message = "The ratio must be a number above 0 and up to 1."
        return Fail("bad_ratio", message, {"value": shown(ratio)})
    return {
        "assignees": tuple(dict.fromkeys(name for name in names if name.strip())),
        "rules": rules_of(visit.step, ratio=None if ratio is None else Fraction(ratio)),
        "expand": config.get("expand", True),
    }


def _is_ratio(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 < value <= 1

"""The filters of the inbox as a reader sees them: what they offer, and what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import LazyString, gettext, lazy_gettext

from app.task.choices import Choices
from app.task.filter_data import Op
from app.task.filters import Filters
from app.web.i18n import pick

DUE_WORDS: Final[Mapping[str, LazyString]] = {
    "overdue": lazy_gettext("Overdue"),
    "today": lazy_gettext("Due today"),
    "week": lazy_gettext("Due within 7 days"),
}
PRIORITY_WORDS: Final[Mapping[str, LazyString]] = {
    "urgent": lazy_gettext("Urgent"),
    "normal": lazy_gettext("Usual priority"),
    "low": lazy_gettext("Low priority"),
}


OP_WORDS: Final[Mapping[Op, LazyString]] = {
    "is": lazy_gettext("is"),
    "least": lazy_gettext("at least"),
    "most": lazy_gettext("at most"),
}


@dataclass(frozen=True, slots=True)
class Select:
    """One filter.

    Args:
        label: what it is about; also the words of its empty choice.
        options: value and text of each.
    """

    name: str
    label: str
    options: list[tuple[str, str]]
    chosen: str


def selects(filters: Filters, offered: Choices, tab: str) -> Iterator[Select]:
    """Yield the filters that there is anything to choose with, or that are in use."""
    chosen = filters.named
    processes = [(key, pick(name, key)) for key, name in offered.processes]
    steps: dict[str, str] = {}
    for key, step, name in offered.steps:
        if filters.process in (None, key):
            steps.setdefault(step, pick(name, step))
    kinds = [
        ("process", gettext("Any process"), processes),
        ("step", gettext("Any step"), list(steps.items())),
    ]
    if tab == "todo":
        kinds += [
            ("group", gettext("Any group"), list(offered.groups)),
            ("due", gettext("Any due date"), [(k, str(v)) for k, v in DUE_WORDS.items()]),
        ]
    words = [(key, str(text)) for key, text in PRIORITY_WORDS.items()]
    kinds.append(("priority", gettext("Any priority"), words))
    for name, label, options in kinds:
        value = chosen.get(name, "")
        if value and value not in dict(options):
            options.append((value, value))
        if len(options) > 1 or value:
            yield Select(name, label, sorted(options, key=_by_text(name)), value)


def data_names(filters: Filters, offered: Choices) -> list[tuple[str, str]]:
    """Return the business data that a list can be narrowed by: names and what they are called."""
    found = {name: pick(label, name) for name, label in offered.data}
    if filters.field is not None:
        found.setdefault(filters.field, filters.field)
    return sorted(found.items(), key=lambda one: one[1].casefold())


def chips(
    filters: Filters, q: str, offered: Choices, address: Callable[..., str]
) -> list[dict[str, Any]]:
    """Return what the list is narrowed by: ``{text, url}``, where ``url`` is without it."""
    words: dict[str, Callable[[str], str]] = {
        "process": lambda key: pick(offered.process(key), key),
        "step": lambda step: pick(offered.step(step), step),
        "group": offered.group,
        "due": lambda word: str(DUE_WORDS[word]),
        "priority": lambda word: str(PRIORITY_WORDS[word]),
    }
    found = [
        {"text": words[name](value), "url": address(**{name: None})}
        for name, value in filters.named.items()
        if name in words
    ]
    if filters.field is not None:
        text = gettext(
            "%(field)s %(op)s “%(value)s”",
            field=pick(offered.datum(filters.field), filters.field),
            op=OP_WORDS[filters.op or "is"],
            value=filters.value,
        )
        found.append({"text": text, "url": address(field=None, op=None, value=None)})
    if q:
        found.append({"text": gettext("“%(words)s”", words=q), "url": address(q="")})
    return found


def _by_text(name: str) -> Callable[[tuple[str, str]], str]:
    """Return the order of a filter's options: those with words of ours keep theirs."""
    return (lambda _: "") if name in ("due", "priority") else (lambda one: one[1].casefold())

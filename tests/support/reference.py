"""``python -m tests.support.reference``: the tables of keys in the definition format, anew.

Between ``<!-- keys: timer -->`` and ``<!-- end of keys -->`` stands what the code says of
its own keys; everything else on the page is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from app.core.keys import Key
from app.core.kinds_flow import BOUNDARY, EVENT, MULTI
from app.core.kinds_people import APPROVAL, OVERDUE
from app.core.nodes.table import CUSTOM, NODES
from tests.support.markdown import ROOT

PAGE: Final = ROOT / "docs" / "definition-format.md"
TABLES: Final[Mapping[str, Sequence[Key]]] = {
    **{kind: node.keys for kind, node in NODES.items() if node.keys},
    CUSTOM.type: CUSTOM.keys,
    "approval": APPROVAL,
    "overdue": OVERDUE,
    "boundary": BOUNDARY,
    "event": EVENT,
    "multi": MULTI,
}
"""Every table that is made, by what stands in its marker."""
_MARKED: Final = re.compile(r"(<!-- keys: (\w+) -->\n)(.*?)(<!-- end of keys -->)", re.DOTALL)
_VALUES: Final[Mapping[str, str]] = {
    "text": "text",
    "label": "label",
    "flag": "true or false",
    "target": "id of a step",
    "duration": "duration of a fixed length",
    "due": "duration, date or datetime",
    "priority": "0 to 100",
    "names": "list of names",
    "ratio": "number above 0, up to 1",
    "field": "name of a field",
    "expr_map": "object",
    "variables": "object of variables",
    "variable_names": "list of names of variables",
    "form": "[form](#forms)",
    "retry": "[retry policy](#retries)",
    "outcomes": "list of outcomes",
    "verbs": "list of verbs",
    "conditions": "list of conditions",
    "condition": "condition",
    "events": "list of events",
    "cron": "[cron expression](#cron)",
    "repeat": "1 to 1000, or true",
    "variable": "name of a variable",
    "any_expr": "anything",
    "inputs": "list of expressions",
    "rules": "list of rules",
    "addresses": "text or list of texts",
    "statuses": "HTTP status, or a list",
    "steps": "list of steps",
    "approval": "object",
    "reminders": "list of durations with a sign",
    "overdue": "object",
}
"""What a reader is told of the value, by the kind of the key."""


def table(keys: Sequence[Key]) -> str:
    """Return the table of these keys in Markdown."""
    return "\n".join(_lines(keys)) + "\n"


def _lines(keys: Sequence[Key]) -> Iterator[str]:
    yield "| key | value | `${…}` | meaning |"
    yield "| --- | --- | --- | --- |"
    for key in keys:
        value = _choices(key.choices) if key.kind == "choice" else _VALUES[key.kind]
        value += ", required" if key.required else ""
        cells = [f"`{key.name}`", value, "yes" if key.expr else "", key.doc or "–"]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _choices(words: Sequence[str]) -> str:
    *most, last = (f"`{word}`" for word in words)
    return f"{', '.join(most)} or {last}"


def rewritten(text: str) -> str:
    """Return a page with its marked tables as the code has them.

    Raises:
        KeyError: a marker names what has no table.
    """
    return _MARKED.sub(lambda found: f"{found[1]}\n{table(TABLES[found[2]])}\n{found[4]}", text)


def marked(text: str) -> list[str]:
    """Return what the markers of a page name, in order."""
    return [found[2] for found in _MARKED.finditer(text)]


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

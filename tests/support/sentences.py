"""Finds the texts that people read, for the catalogs in ``translations/``.

``gettext`` marks what pages say. The modules below the edges know no language: what they
refuse with, and what the checker finds, are English sentences that an edge translates. So
in a module every sentence is for translation; a docstring is not, nor is what has no
sentence's form (codes, SQL, keys).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import write_po

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS: Mapping[str, Any] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    # What the pages themselves refuse with: an error's template is translated where it is shown.
    "FieldError": (3,),
    **dict.fromkeys(("Malformed", "NotFound", "Conflict", "Invalid", "Unavailable"), (2,)),
}
_SENTENCE = re.compile(r"(?:[A-Z“]|/?%\()[^\n]* [^\n]*[.?!]")
_CORE_SENTENCE = re.compile(r"(?:[A-Z“]|/?%\()[^\n]* [^\n]*")
"""What the core says of an expression or of JSON stands within a sentence: no full stop."""
_SHOWN = {
    **dict.fromkeys(("Phrase", "Refusal"), (0,)),
    **dict.fromkeys(("wrong", "_need", "FieldError"), (2,)),
    **dict.fromkeys(("Malformed", "Unauthenticated", "Forbidden", "NotFound", "Conflict"), (1,)),
    **dict.fromkeys(("PreconditionFailed", "TooLarge", "Unsupported", "Invalid"), (1,)),
    **dict.fromkeys(("TooMany", "Unavailable"), (1,)),
}
"""Calls whose text is shown whatever its form, with the places of that text among what they get."""
_NOT_SHOWN = {"ValueError", "RuntimeError", "TypeError", "AssertionError", "ConfigError"}
"""What tells a programmer or an operator something; they read English."""


def extract(
    file: BinaryIO, keywords: Mapping[str, Any], comments: Collection[str], options: object
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield (line, function, text, comments) of every sentence; see Babel's extractors."""
    tree = ast.parse(file.read())
    silent = set(_silent(tree))
    shown = set(_shown(tree))
    within = Path(getattr(file, "name", "")).as_posix()
    form = _CORE_SENTENCE if "app/core/" in within else _SENTENCE
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node not in silent
            and (node in shown or form.fullmatch(node.value))
        ):
            yield node.lineno, "", node.value, []


def _shown(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the texts that are shown because of what they are given to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for place in _SHOWN.get(getattr(node.func, "id", ""), ()):
                yield from ast.walk(node.args[place]) if place < len(node.args) else ()


def _silent(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the constants that nobody is shown: docstrings, f-strings, inner errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _NOT_SHOWN:
            yield from ast.walk(node)


def current() -> Catalog:
    """Return every text that there is to translate now."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalog = Catalog(project="workflow-engine", version="1")
    for name, line, message, comments, context in extract_from_dir(
        ROOT, methods, options, keywords=dict(KEYWORDS)
    ):
        catalog.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalog


def sentences(source: str) -> list[str]:
    """Return the sentences of a module's source."""
    return [text for _, _, text, _ in extract(BytesIO(source.encode()), {}, (), {})]


if __name__ == "__main__":
    # For `make translations`: the template of the catalogs.
    write_po(sys.stdout.buffer, current(), no_location=True, sort_by_file=True, width=0)

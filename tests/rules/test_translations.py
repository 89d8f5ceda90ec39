"""Every text that people read has its translation, and no translation breaks a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from app.errors import Phrase, say
from app.web.i18n import DEFAULT_LANGUAGE, LANGUAGES
from tests.support.sentences import ROOT, current, sentences

CATALOGS = [
    ROOT / "translations" / language / "LC_MESSAGES" / "messages.po"
    for language in LANGUAGES
    if language != DEFAULT_LANGUAGE
]
"""One for each language that pages can be read in; a test fails where the file is missing."""
PLACE = re.compile(r"%\((\w+)\)[a-z]|%[sd]|\{(\w*)\}")


def language(path: Path) -> str:
    return path.parts[-3]


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language(path))


def texts(value: str | tuple[str, ...] | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


@pytest.mark.parametrize("path", CATALOGS, ids=language)
def test_every_text_is_in_the_catalog(path: Path) -> None:
    have = {(message.context, texts(message.id)[0]) for message in messages(read(path))}
    want = {(message.context, texts(message.id)[0]) for message in messages(current())}
    assert sorted(text for _, text in want - have) == [], "run make translations"


@pytest.mark.parametrize("path", CATALOGS, ids=language)
def test_every_text_is_translated(path: Path) -> None:
    missing = [
        texts(message.id)[0]
        for message in messages(read(path))
        if message.fuzzy or not all(texts(message.string))
    ]
    assert missing == []


@pytest.mark.parametrize("path", CATALOGS, ids=language)
def test_translations_fill_in_the_same_things(path: Path) -> None:
    broken = []
    for message in messages(read(path)):
        # The singular may write the number out; a translation uses what the plural names.
        allowed = {found[0] for text in texts(message.id) for found in PLACE.finditer(text)}
        for text in filter(None, texts(message.string)):
            used = {found[0] for found in PLACE.finditer(text)}
            if used - allowed or (isinstance(message.id, str) and used != allowed):
                broken.append(texts(message.id)[0])
    assert broken == []


def test_sentences_are_found_and_nothing_else() -> None:
    source = '''
    """A docstring is not shown."""
raise Conflict("some_code", "Somebody was %(what)s. " "Try again.", what="first")
raise ValueError("A programmer reads this.")
SQL = "select 1"
'''
    assert sentences(source.replace("    ", "", 1)) == ["Somebody was %(what)s. Try again."]


def test_what_the_core_says_within_a_sentence_is_found() -> None:
    source = """
wrong(making, path, "a list of names")
wrong(making, path, "one of %(choices)s", choices=", ".join(names))
Refusal("- needs a number", hint=Phrase("give one"))
"""
    found = ["a list of names", "one of %(choices)s", "- needs a number", "give one"]
    assert sorted(sentences(source)) == sorted(found)


@pytest.mark.parametrize("path", CATALOGS, ids=language)
def test_a_text_is_said_with_the_texts_within_it(path: Path) -> None:
    words = {text: message.string for message in messages(read(path)) for text in texts(message.id)}
    inner = Phrase("one of %(choices)s", choices="a, b")
    said = say("This must be %(expected)s.", {"expected": inner}, lambda text: str(words[text]))
    assert "a, b" in said
    assert "one of" not in said
    assert "must" not in said

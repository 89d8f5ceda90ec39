"""Every text that people read has its translation, and no translation breaks a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.support.sentences import ROOT, current, sentences

CATALOGS = sorted((ROOT / "translations").glob("*/LC_MESSAGES/*.po"))
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

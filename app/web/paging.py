"""Numbers of pages in addresses."""

from __future__ import annotations

from typing import Final

from app.errors import Malformed

_MAX_DIGITS: Final = 7


def number_of(text: str | None) -> int:
    """Return the number of a page, 1 if none is named.

    Raises:
        Malformed: it is no number of a page.
    """
    if not text:
        return 1
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise Malformed("bad_page", "There is no such page. Begin at the first one.")
    return int(text)

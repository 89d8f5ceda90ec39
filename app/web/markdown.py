"""Markdown that authors of definitions write, as HTML that cannot do harm.

The parser makes every tag itself: HTML in the text stays text, and images and addresses other
than http, https, mailto and of this site are none. So there is nothing to take out afterwards.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

_ADDRESS: Final = re.compile(r"(?:https?://|mailto:|/(?!/)|#)", re.IGNORECASE)
_ABOVE: Final = 2
"""Levels of headings that stand above: the page's h1, the card's h2."""


class _Parser(MarkdownIt):
    """With a stricter idea of what an address is."""

    def validateLink(self, url: str) -> bool:  # noqa: N802  # the library's name for it
        """Say whether a link may lead there."""
        return _ADDRESS.match(url) is not None and super().validateLink(url)


def _parser() -> MarkdownIt:
    made = _Parser("commonmark", {"html": False, "breaks": True, "maxNesting": 20})
    return made.enable(["table", "strikethrough"]).disable(["image", "html_block", "html_inline"])


_MARKDOWN: Final = _parser()


@lru_cache(maxsize=256)
def markdown(text: str) -> Markup:
    """Return a text in markdown as HTML, its headings below those of a card."""
    tokens, level = _MARKDOWN.parse(text), _ABOVE
    for token in tokens:
        if token.type == "heading_open":  # one that skips a level would lose its readers
            level = min(6, level + 1, int(token.tag[1:]) + _ABOVE)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"
        token.attrs.pop("style", None)  # how a column is aligned; the page's policy forbids it
        for inner in token.children or ():
            _mark(inner)
    env: dict[str, Any] = {}
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, env))  # noqa: S704  # see above


def _mark(token: Token) -> None:
    if token.type == "link_open" and "://" in str(token.attrGet("href")):
        token.attrSet("rel", "noopener noreferrer nofollow")

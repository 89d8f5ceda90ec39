"""What a page says to eyes and ears: its text, and the attributes that are shown or read out."""

from __future__ import annotations

from html.parser import HTMLParser

_SHOWN = frozenset({"alt", "aria-label", "aria-description", "placeholder", "title"})
_SILENT = frozenset({"script", "style", "code", "pre", "textarea", "kbd"})
_VOID = frozenset(
    {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"}
)


def texts_of(page: str) -> list[str]:
    """Return the texts of a page in the page's own language.

    Left out is what is marked as being in another language, and code. Attributes whose
    name has ``text`` or ``confirm`` in it are what scripts show.
    """
    reader = _Reader()
    reader.feed(page)
    return reader.texts


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.language: str | None = None
        self.open: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = given.get("lang")
        foreign = given.get("lang", self.language) != self.language
        silent = (bool(self.open) and self.open[-1]) or foreign
        if not silent:
            self.texts += [value for name, value in given.items() if _is_shown(tag, name, given)]
        if tag not in _VOID:
            self.open.append(silent or tag in _SILENT)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not (self.open and self.open[-1]):
            self.texts.append(" ".join(data.split()))


def _is_shown(tag: str, name: str, given: dict[str, str]) -> bool:
    if tag == "input" and name == "value":
        return given.get("type") in ("submit", "button", "reset")
    return name in _SHOWN or (name.startswith("data-") and ("text" in name or "confirm" in name))

"""Reading the documentation: sections, tables, blocks of code, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {".venv", "var", "vendor", "node_modules", ".pytest_cache"}
_BLOCK = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"')

Row = dict[str, str]
"""A cell for each heading of the table."""


@dataclass(frozen=True)
class Page:
    """A Markdown file, or a section of one."""

    path: Path
    text: str

    def section(self, heading: str) -> Page:
        """Return what stands below a heading, up to the next one that is not below it."""
        prose = self._without_blocks()
        found = next((each for each in _HEADING.finditer(prose) if each[2] == heading), None)
        assert found is not None, f"{self.path.name} has no section {heading}"
        rest = _HEADING.finditer(prose, found.end())
        end = next((each.start() for each in rest if len(each[1]) <= len(found[1])), len(prose))
        return Page(self.path, self.text[found.end() : end])

    def tables(self) -> list[list[Row]]:
        """Return the tables, each as its rows."""
        found: list[list[Row]] = []
        heads: list[str] = []
        before = ""
        for line in self._without_blocks().splitlines():
            cells = _cells(line)
            if cells and not before:
                heads = cells
                found.append([])
            elif cells and not set("".join(cells)) <= set("-: "):
                assert len(cells) == len(heads), f"{self.path.name}: {line}"
                found[-1].append(dict(zip(heads, cells, strict=True)))
            before = line.strip()
        return found

    def blocks(self, language: str) -> list[str]:
        """Return the blocks of code in a language, without what they are indented by."""
        return [
            re.sub(f"^{each[1]}", "", each[3], flags=re.MULTILINE)
            for each in _BLOCK.finditer(self.text)
            if each[2] == language
        ]

    def code(self) -> Iterator[str]:
        """Yield every piece of code, in blocks and within lines."""
        yield from (each[3] for each in _BLOCK.finditer(self.text))
        yield from code_in(self._without_blocks())

    def links(self) -> list[str]:
        """Return where links and pictures lead."""
        return _LINK.findall(self._without_blocks())

    def anchors(self) -> set[str]:
        """Return what a link may lead to within the page."""
        prose = self._without_blocks()
        slugs = (_slug(each[2]) for each in _HEADING.finditer(prose))
        return {*slugs, *_ANCHOR.findall(prose)}

    def _without_blocks(self) -> str:
        """Blank out the blocks; everything stays at its offset."""
        return _BLOCK.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.text)


def page(name: str) -> Page:
    """Read a page by its path below the root."""
    path = ROOT / name
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> list[Page]:
    """Return every page of this repository."""
    return [
        page(str(path.relative_to(ROOT)))
        for path in sorted(ROOT.rglob("*.md"))
        if _NOT_OURS.isdisjoint(path.relative_to(ROOT).parts)
    ]


def code_in(text: str) -> list[str]:
    """Return what stands between backticks."""
    return [each.replace("\\|", "|") for each in _CODE.findall(text)]


def column(rows: list[Row], heading: str) -> list[str]:
    """Return all pieces of code of a column."""
    return [each for row in rows for each in code_in(row[heading])]


def _cells(line: str) -> list[str]:
    if not line.startswith("|"):
        return []
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def _slug(heading: str) -> str:
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.strip().replace(" ", "-")

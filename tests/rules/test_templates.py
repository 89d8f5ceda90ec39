"""Templates keep to the Content-Security-Policy: nothing inline, no code in attributes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# A literal may be marked as safe: what is formatted into it is still escaped.
FORBIDDEN = {
    "an inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.DOTALL),
    "hx-on": re.compile(r"\bhx-on[:=-]"),
    "an inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.DOTALL),
    "an inline style": re.compile(r"<[^>]*\sstyle\s*=|<style", re.DOTALL),
    "code in hx-vals or hx-headers": re.compile(r"hx-(?:vals|headers|vars)\s*=\s*[\"']\s*js"),
    "a filter in hx-trigger": re.compile(r"hx-trigger\s*=\s*[\"'](?:[^\"']*,)?\s*[\w:.-]+\["),
    "unescaped output": re.compile(r"[^'\"\s]\s*\|\s*safe\b|autoescape\s+false"),
    "an address outside": re.compile(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//"),
}
COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
@pytest.mark.parametrize("what", FORBIDDEN)
def test_template_has_no(path: Path, what: str) -> None:
    source = COMMENT.sub("", path.read_text(encoding="utf-8"))
    found = FORBIDDEN[what].search(source)
    assert found is None, f"{relative(path)} has {what}: {found and found.group(0)[:80]}"


@pytest.mark.parametrize(
    ("what", "sample"),
    [
        ("an inline handler", '<button class="x" onclick="go()">'),
        ("hx-on", '<p hx-on:click="go()">'),
        ("an inline script", "<script>go()</script>"),
        ("an inline style", '<p style="color: red">'),
        ("code in hx-vals or hx-headers", "<p hx-vals='js:{a: 1}'>"),
        ("a filter in hx-trigger", '<p hx-trigger="click[ctrlKey]">'),
        ("unescaped output", "{{ text | safe }}"),
        ("an address outside", '<script src="//cdn.test/x.js">'),
    ],
)
def test_each_rule_finds_what_it_forbids(what: str, sample: str) -> None:
    assert FORBIDDEN[what].search(sample)


def test_there_are_templates() -> None:
    assert TEMPLATES


def test_the_style_sheets_weigh_30_kilobytes_at_most() -> None:
    """Written by hand, for people to read: not minified either."""
    sheets = sorted((ROOT / "static" / "css").glob("*.css"))
    assert len(sheets) > 5
    assert sum(sheet.stat().st_size for sheet in sheets) <= 30 * 1024
    lines = [line for sheet in sheets for line in sheet.read_text("utf-8").splitlines()]
    assert max(map(len, lines)) <= 160

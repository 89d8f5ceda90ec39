"""Markdown of authors: what it makes, and that it can do no harm."""

from __future__ import annotations

import re

import pytest

from app.web.markdown import markdown

TAGS = {
    *("h3", "h4", "h5", "h6", "p", "strong", "em", "s", "a", "ul", "ol", "li", "br", "hr", "code"),
    *("pre", "blockquote", "table", "thead", "tbody", "tr", "th", "td"),
}
ALLOWED = re.compile(
    r'( (href="(https?://|mailto:|/(?![/\\])|#)[^"<>]*"|rel="[a-z ]+"|title="[^"<>]*"'
    r'|class="language-[^"<>]*"))* ?/?'
)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("## One\n#### Four\n# Two", "<h3>One</h3>\n<h4>Four</h4>\n<h3>Two</h3>\n"),
        ("a\nb", "<p>a<br>\nb</p>\n"),
        ("- *a*\n- ~~b~~", "<ul>\n<li><em>a</em></li>\n<li><s>b</s></li>\n</ul>\n"),
        ("[in](/start)", '<p><a href="/start">in</a></p>\n'),
        ("<mailto:a@b.example>", '<p><a href="mailto:a@b.example">mailto:a@b.example</a></p>\n'),
    ],
)
def test_what_it_makes(text: str, html: str) -> None:
    assert str(markdown(text)).replace("<br />", "<br>") == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<div\nonclick='x'>\n\ntext\n\n</div>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](//evil.example)",
        "[x](/\\evil.example)",
        "<javascript:alert(1)>",
        "![x](https://evil.example/track.png)",
        "[x][y]\n\n[y]: javascript:alert(1)",
        '[x](https://a.example "onmouseover=alert(1)")',
        '[x](https://a.example/"onmouseover="alert(1))',
        '```"><script>\ncode</script>\n```',
        "|a|\n|-|\n|<svg/onload=alert(1)>|",
        "|a|b|\n|:-|-:|\n|c|d|",
        "> " * 200 + "deep",
    ],
)
def test_it_can_do_no_harm(text: str) -> None:
    html = str(markdown(text))
    tags = re.findall(r"<\s*/?\s*([a-zA-Z][a-zA-Z0-9]*)([^>]*)>", html)
    assert {name for name, _ in tags} <= TAGS, html
    for name, attributes in tags:
        allowed = (
            r'( (href="(https?://|mailto:|/(?![/\\])|#)[^"<>]*"|rel="[a-z ]+"|title="[^"<>]*"))*'
        )
        allowed += r'( style="text-align:[a-z]+")?( class="language-[^"<>]*")? ?/?'
        assert re.fullmatch(allowed, attributes), (name, attributes)

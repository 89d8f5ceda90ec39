"""HTML with places."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from app.web.stencil import Stencil


def test_values_are_escaped_and_html_stays() -> None:
    row = Stencil(Markup('<a href="/%(id)s">%(title)s</a>%(side)s'))
    shown = row.filled(id=7, title='<b>"', side=Markup("<i>now</i>"))
    assert shown == '<a href="/7">&lt;b&gt;&#34;</a><i>now</i>'
    assert isinstance(shown, Markup)


def test_a_value_with_a_place_in_it_is_text() -> None:
    assert Stencil(Markup("%(a)s-%(b)s")).filled(a="%(b)s", b="100 %") == "%(b)s-100 %"


def test_a_place_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="b"):
        Stencil(Markup("%(a)s%(b)s")).filled(a=1)


def test_it_fills_as_markup_does() -> None:
    html = Markup("<p>%(a)s</p>%(b)s%(a)s")
    values = {"a": "x&y", "b": Markup("<br>")}
    assert Stencil(html).filled(**values) == html % values

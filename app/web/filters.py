"""What templates write with: the filters and functions that every page has."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask, request

from app.core.form_values import currencies_of
from app.web.addresses import url_by_id
from app.web.by_clock import in_words
from app.web.forms import PREFIX
from app.web.i18n import pick
from app.web.markdown import markdown
from app.web.rich_values import chosen, field_value, option_pairs, size, typed_value
from app.web.stencil import Stencil
from app.web.values import input_text, number
from app.web.when import Moments, clock, day, due, duration, moment, moments, relative
from app.web.words import account, ended_word, event_word, gap, state_word, trouble_word, yes_no

_UNSAFE_IN_ID: Final = re.compile(r"[^A-Za-z0-9_-]+")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_HAN: Final = re.compile("[\u3400-\u9fff]")


def init_filters(app: Flask) -> None:
    """Give templates the filters and functions of the pages."""
    app.jinja_env.filters.update(
        relative=relative,
        moment=moment,
        day=day,
        duration=duration,
        number=number,
        label=pick,
        value=typed_value,
        size=size,
        option_pairs=option_pairs,
        chosen=chosen,
        currencies=currencies_of,
        markdown=markdown,
        field_value=field_value,
        input_text=input_text,
        yes_no=yes_no,
        initials=initials,
        by_clock=in_words,
        due_by=Moments.due,
        filled=Stencil.filled,
    )
    app.jinja_env.globals.update(
        state_word=state_word,
        event_word=event_word,
        ended_word=ended_word,
        trouble_word=trouble_word,
        account=account,
        gap=gap,
        field_id=field_id,
        people_id=people_id,
        page_url=page_url,
        url_by_id=url_by_id,
        language_url=language_url,
        clock=clock,
        drawn_due=due,
        moments=moments,
        stencil=Stencil,
    )


def field_id(name: str) -> str:
    """Return the HTML id of a field's control; different names give different ids.

    Args:
        name: of a form field or variable; may hold anything.
    """
    safe = _UNSAFE_IN_ID.sub("-", name)
    if safe == name:
        return f"f-{name}"
    return f"f-{safe}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def people_id(control: str) -> str:
    """Return the HTML id of the people who are offered for a control.

    Args:
        control: its name: of a form's field, or of a page's own form, which may stand beside.
    """
    if control.startswith(PREFIX):
        return field_id(control.removeprefix(PREFIX)) + "-people"
    return "own" + field_id(control) + "-people"


def page_url(**changes: Any) -> str:
    """Return this page's address with some of its query changed.

    Args:
        changes: new values; None takes one away.
    """
    query = {name: values for name, values in request.args.lists() if name not in changes}
    query |= {name: [str(item)] for name, item in changes.items() if item is not None}
    tail = urlencode(query, doseq=True)
    return request.script_root + request.path + (f"?{tail}" if tail else "")


def language_url(language: str) -> str:
    """Return where this page can be read in another language.

    The answer to a POST has no address of its own, so from there it leads to the start.
    """
    if request.method in ("GET", "HEAD"):
        return page_url(lang=language)
    return f"{request.script_root}/?{urlencode({'lang': language})}"


def initials(name: str) -> str:
    """Return a person's letters for a picture: ``Chen Mei`` → ``CM``, ``陈梅`` → ``陈``."""
    words = _WORDS.findall(name)
    if not words:
        return "·"
    if _HAN.match(words[0]):
        return str(words[0][0])
    return "".join(word[0] for word in words[:2] if not _HAN.match(word)).upper()

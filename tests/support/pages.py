"""The pages as a browser without scripts sees them, and as htmx asks for their parts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.identity.service import auth_epoch
from tests.support.office import Office

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"|name="csrf_token" value="([^"]+)"')
_TAGS = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Sheet:
    """A page that was answered.

    Args:
        text: the HTML as sent.
    """

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> str:
        """What a reader sees: no tags, one blank between words."""
        return " ".join(html.unescape(_TAGS.sub(" ", self.text)).split())

    def ok(self, status: int = 200) -> Sheet:
        """Return the page; fail unless it was answered with ``status``."""
        assert self.status == status, (self.status, self.words[:2000])
        return self

    def goes_to(self, path: str) -> Sheet:
        """Return the page; fail unless it sends the browser to ``path``."""
        assert self.status == 303, (self.status, self.words[:2000])
        assert self.headers["Location"] == path
        return self

    def says(self, *sentences: str) -> Sheet:
        """Return the page; fail unless each sentence can be read on it."""
        for sentence in sentences:
            assert sentence in self.words, self.words
        return self

    def is_silent_about(self, *sentences: str) -> Sheet:
        """Return the page; fail if any of these can be read on it."""
        for sentence in sentences:
            assert sentence not in self.words
        return self

    def control(self, name: str, value: str | None = None) -> str:
        """Return the tag of a form's control; fail unless there is exactly one.

        Args:
            value: of a radio button or button, to tell those of one name apart.
        """
        tags = re.findall(
            rf'<(?:input|textarea|select|button)[^>]* name="{re.escape(name)}"[^>]*>', self.text
        )
        found = [tag for tag in tags if value is None or f'value="{value}"' in tag]
        assert len(found) == 1, (name, value, tags)
        return found[0]

    def field(self, name: str) -> str:
        """Return what stands in the page's one text area of a name."""
        (found,) = re.findall(
            rf'<textarea[^>]* name="{re.escape(name)}"[^>]*>\n?(.*?)</textarea>',
            self.text,
            re.DOTALL,
        )
        return html.unescape(str(found))

    def button_named(self, words: str) -> str:
        """Return the value of the first button that says so; fail unless there is one."""
        for attributes, inside in re.findall(
            r"<button([^>]*)>(.*?)</button>", self.text, re.DOTALL
        ):
            if html.unescape(_TAGS.sub("", inside)).strip() == words:
                return html.unescape(str(re.findall(r'value="([^"]*)"', attributes)[0]))
        raise AssertionError((words, self.words))


class Pages:
    """One browser: keeps cookies, sends the token of the page it saw last."""

    def __init__(self, app: Flask, office: Office) -> None:
        self.app = app
        self.office = office
        self.client = app.test_client()
        self.token = ""

    def sign_in(self, username: str) -> Pages:
        """Become a person of the office, without the cost of a password."""
        who = self.office[username]
        with self.client.session_transaction() as session:
            session["_user_id"] = f"{who.id}.{auth_epoch(self.office.db, who.id)}"
            session["_fresh"] = True
        return self

    def get(self, path: str, *, htmx: bool = False, **headers: str) -> Sheet:
        """Open a page, or as htmx a part of it."""
        return self._read(self.client.get(path, headers=_sent(htmx, headers)))

    def post(
        self,
        path: str,
        data: Mapping[str, Any] | None = None,
        *,
        htmx: bool = False,
        token: str | None = None,
        **headers: str,
    ) -> Sheet:
        """Send a form.

        Args:
            token: instead of the one of the page seen last; empty: none.
        """
        token = self._token() if token is None else token
        form = dict(data or {}) | ({"csrf_token": token} if token else {})
        return self._read(self.client.post(path, data=form, headers=_sent(htmx, headers)))

    def _token(self) -> str:
        if not self.token:
            self.get("/profile")
        return self.token

    def _read(self, answer: TestResponse) -> Sheet:
        text = answer.get_data(as_text=True)
        answer.request.environ["wsgi.input"].close()  # what was sent may wait in a file
        found = _TOKEN.search(text)
        if found:
            self.token = html.unescape(found[1] or found[2])
        return Sheet(answer.status_code, answer.headers, text)


def _sent(htmx: bool, headers: Mapping[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named | ({"HX-Request": "true"} if htmx else {})

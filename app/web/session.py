"""Who is at the other end: the signed-in person, the engine and the time of a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from flask import Flask, Response, current_app, g, request, session, url_for
from flask_login import UserMixin, current_user, login_user, logout_user

from app.identity.actor import Actor
from app.identity.service import actor_and_epoch, auth_epoch
from app.runtime.ports import Engine
from app.task.queries import badge
from app.web import respond
from app.web.addresses import here

_OPEN: Final = frozenset({"identity.sign_in", "identity.let_in"})
"""Pages that need nobody signed in."""


class SignedIn(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """The person of a session, as Flask-Login and templates want them.

    Args:
        epoch: of the person's password and rights; the session ends when it changes.
    """

    def __init__(self, actor: Actor, epoch: int) -> None:
        self.actor = actor
        self.epoch = epoch

    @property
    def username(self) -> str:
        """The name they sign in with."""
        return self.actor.username

    @property
    def name(self) -> str:
        """What they are called."""
        return self.actor.name

    @property
    def lists_instances(self) -> bool:
        """Whether the list of instances is open to them: all of them, or those they are to see."""
        return self.actor.lists_instances

    def can(self, permission: str) -> bool:
        """Say whether their roles allow ``permission``."""
        return self.actor.can(permission)

    def get_id(self) -> str:
        """Return what the session keeps."""
        return f"{self.actor.id}.{self.epoch}"


def init_session(app: Flask, *, guarded: frozenset[str]) -> None:
    """Load the person of each request and keep everyone else out.

    Args:
        guarded: names of the blueprints with pages.
    """
    app.login_manager.user_loader(_load)  # type: ignore[attr-defined]  # set by LoginManager

    def keep_out() -> Response | None:
        if request.blueprint not in guarded or request.endpoint in _OPEN:
            return None
        return None if current_user.is_authenticated else to_sign_in()

    app.before_request(keep_out)
    app.jinja_env.globals["inbox_count"] = inbox_count


def engine() -> Engine:
    """Return the engine of the running application."""
    found: Engine = current_app.extensions["engine"]
    return found


def now() -> datetime:
    """Return the time of this request: the clock is looked at once."""
    if "now" not in g:
        clock: Callable[[], datetime] = current_app.extensions["clock"]
        g.now = clock()
    moment: datetime = g.now
    return moment


def actor() -> Actor:
    """Return who is signed in; only pages that are kept for them may ask."""
    who: Actor = current_user.actor
    return who


def inbox_count() -> int:
    """Return how many tasks wait for the signed-in person; counted once a request."""
    if "inbox_count" not in g:
        counted(badge(engine().db, actor()))
    count: int = g.inbox_count
    return count


def counted(waiting: int) -> None:
    """Take note of how many tasks wait for the signed-in person: a list has counted them."""
    g.inbox_count = waiting


def begin(who: Actor) -> None:
    """Start a session; of the one before only the chosen language is kept."""
    kept = session.get("lang")
    session.clear()
    if kept:
        session["lang"] = kept
    session.permanent = True
    login_user(SignedIn(who, auth_epoch(engine().db, who.id) or 0))


def end() -> None:
    """End the session; of it only the chosen language is kept."""
    kept = session.get("lang")
    logout_user()
    session.clear()
    if kept:
        session["lang"] = kept


def to_sign_in() -> Response:
    """Send to the sign-in page, from where it goes back to the page that was open."""
    return respond.redirect(url_for("identity.sign_in", next=here()))


def _load(kept: str) -> SignedIn | None:
    """Return the person of a session unless their rights or password have changed.

    The page about a database that is away asks again who reads it; the second time
    nobody is the answer.
    """
    if g.get("person_unknown"):
        return None
    user_id, _, epoch = kept.partition(".")
    if not (user_id.isdecimal() and epoch.isdecimal()):
        return None
    g.person_unknown = True
    found = actor_and_epoch(engine().db, int(user_id), now=now())
    g.person_unknown = False
    if found is None or found[1] != int(epoch):
        return None
    g.user_id = found[0].id
    return SignedIn(*found)

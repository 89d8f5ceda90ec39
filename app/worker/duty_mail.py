"""Duty: mail the notifications of those who want that.

It is done by a thread of its own: a mail server that does not answer must not keep the
clocks waiting.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Final

import structlog

from app.connector.base import BusinessError, ConnectorError, Handler, JobContext
from app.connector.registry import Registry
from app.notice import mail
from app.runtime.ports import Engine
from app.worker.duty import Duty
from app.worker.mail_words import mail_of

log = structlog.get_logger(__name__)

_AT_ONCE: Final = 100
"""Mails of one round."""
_TIMEOUT: Final = 20.0
"""Seconds for one mail."""


def deliver(engine: Engine, now: datetime) -> int:
    """Send what is due, until the server fails; return how many were sent."""
    send = _sender(engine)
    sent = 0
    for _ in range(_AT_ONCE):
        letter = mail.take(engine.db, now=now) if send is not None else None
        if send is None or letter is None:
            break
        about = letter.notes[0]
        context = JobContext(
            letter.key, about.instance_id or 0, about.step_id, letter.tries, _TIMEOUT
        )
        try:
            send(mail_of(letter, engine.public_url), context)
        except BusinessError as error:
            log.warning(
                "notification.not_mailed", mail=letter.key, code=error.code, error=str(error)
            )
            mail.settled(engine.db, letter)
        except ConnectorError as error:
            again = mail.failed(engine.db, letter, now=now)
            log.warning("notification.mail_failed", mail=letter.key, code=error.code, again=again)
            break
        else:
            mail.settled(engine.db, letter)
            sent += 1
    return sent


class Postman:
    """Delivers in the background, one round at a time."""

    def __init__(self) -> None:
        self._round: threading.Thread | None = None

    def run(self, engine: Engine, now: datetime) -> int:
        """Begin a round if mail is due and the last round is over; return 1 if so."""
        if self._round is not None and self._round.is_alive():
            return 0
        if not mail.due(engine.db, now=now):
            return 0
        self._round = threading.Thread(target=_round, args=(engine, now), daemon=True)
        self._round.start()
        return 1


def _round(engine: Engine, now: datetime) -> None:
    try:
        deliver(engine, now)
    except Exception:  # the next round begins anew
        log.exception("duty.failed", duty=DUTY.name)


def _sender(engine: Engine) -> Handler | None:
    services = engine.services
    found = services.service("email", "send") if isinstance(services, Registry) else None
    return found.one if found is not None else None


DUTY: Final = Duty("mail", timedelta(seconds=5), Postman().run)

"""What people do with notifications and copies: read them, and choose how to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.db.tx import Database
from app.errors import FieldError, Invalid
from app.identity.actor import Actor
from app.notice.mail import ALONE
from app.notice.store import CHOICES, EVENTS

KEPT: Final = timedelta(days=180)
"""A notification is kept this long; what it tells of stays in the history."""

# A copy that is read needs no notification any more, and the other way round. Copies are
# always locked first, so that two tabs do not wait for each other.
_COPIES_SEEN: Final = """
update copies set read_at = %(now)s
 where username = %(me)s and read_at is null and instance_id in (
       select instance_id from notifications
        where username = %(me)s and event = 'copied' and read_at is null
          and (%(every)s or id = any(%(ids)s)))
"""
_READ: Final = """
update notifications set read_at = %(now)s
 where username = %(me)s and read_at is null and (%(every)s or id = any(%(ids)s))
"""
_COPIES_READ: Final = """
with seen as (
    update copies set read_at = %(now)s
     where username = %(me)s and read_at is null and (%(every)s or id = any(%(ids)s))
    returning instance_id
)
update notifications set read_at = %(now)s
 where username = %(me)s and event = 'copied' and read_at is null
   and instance_id in (select instance_id from seen)
"""

_CHOOSE: Final = """
insert into notification_choices (username, event, choice)
values (%(me)s, %(event)s, %(choice)s)
on conflict (username, event) do update set choice = excluded.choice
"""
# Only what no attempt was made of: what is on its way stays as it is.
_RESCHEDULE: Final = """
update notifications n
   set digest = false,
       mail_at = case when exists (select 1 from notification_choices c
                                    where c.username = n.username and c.event = n.event
                                      and c.choice in ('mail', 'digest')) then n.at end
 where n.username = %(me)s and n.mail_at is not null and n.digest and n.mail_tries = 0
"""


def read(db: Database, actor: Actor, ids: Sequence[int] | None = None, *, now: datetime) -> None:
    """Mark the actor's notifications as read.

    Args:
        ids: which; None: all of them. What is read already, or another's, is passed over.
    """
    asked = {"me": actor.username, "now": now, "every": ids is None, "ids": list(ids or ())}
    with db.transaction() as tx:
        tx.together([(_COPIES_SEEN, asked), (_READ, asked)], last=True)


def read_copies(
    db: Database, actor: Actor, ids: Sequence[int] | None = None, *, now: datetime
) -> None:
    """Same for what was copied to the actor."""
    asked = {"me": actor.username, "now": now, "every": ids is None, "ids": list(ids or ())}
    with db.transaction() as tx:
        tx.run(_COPIES_READ, asked)


def choose(
    db: Database, actor: Actor, choices: Mapping[str, str], *, digest_hour: int | None = None
) -> None:
    """Keep how the actor wants to be told.

    What waits for the mail of the day follows at once: it comes at the new hour, or not at all.

    Args:
        choices: kind of event → ``page``, ``mail`` (and the page), ``digest`` (the page, and
            with others in one mail a day) or ``none``; of kinds that are left out nothing
            changes.
        digest_hour: from 0 to 23, in the actor's time zone: when that mail comes; None: as it is.

    Raises:
        Invalid: one error per kind or choice that is not known.
    """
    errors = [
        FieldError(event, "unknown_name", "There are no notifications of this kind.")
        for event in choices
        if event not in EVENTS
    ]
    errors += [
        FieldError(event, "not_an_option", "There is no such choice.")
        for event, choice in choices.items()
        if event in EVENTS and choice not in CHOICES
    ]
    if digest_hour is not None and not 0 <= digest_hour < 24:
        errors.append(FieldError("digest_hour", "not_an_hour", "Choose an hour from 0 to 23."))
    if errors:
        raise Invalid("invalid_choices", "Correct the marked fields.", errors=tuple(errors))
    with db.transaction() as tx:
        tx.run(ALONE)
        for event, choice in sorted(choices.items()):
            tx.run(_CHOOSE, {"me": actor.username, "event": event, "choice": choice})
        if digest_hour is not None:
            tx.run(
                "update users set digest_hour = %(hour)s where id = %(id)s",
                {"hour": digest_hour, "id": actor.id},
            )
        tx.run(_RESCHEDULE, {"me": actor.username})


def prune(db: Database, *, now: datetime) -> int:
    """Forget notifications that are older than ``KEPT``; return how many."""
    with db.transaction() as tx:
        return tx.run("delete from notifications where at < %(old)s", {"old": now - KEPT}).rowcount

"""Who reads an instance without being allowed to read all of them."""

from __future__ import annotations

from typing import Final

from app.identity.seats import OFFER, SEAT

TAKES_PART: Final = f"""
(i.started_by = %(me)s or exists (
    select 1 from tasks t where t.instance_id = i.id
       and ({SEAT} or t.completed_by = %(me)s
            or (t.state = 'open' and {OFFER})))
 or exists (select 1 from copies c where c.instance_id = i.id and c.username = %(me)s)
 or exists (select 1 from history_events h where h.instance_id = i.id and h.actor = %(me)s
               and h.kind = 'task.transferred')
 or exists (select 1 from process_definitions p
             where p.id = i.definition_id and p.viewers && %(keys)s))
"""  # noqa: S608 - constants only
"""The condition for instance ``i``, in a ``ForSeats``.

Started by the actor, they take or took part in it, it was copied to them, they transferred a
task of it, or its definition names them among its viewers.
"""

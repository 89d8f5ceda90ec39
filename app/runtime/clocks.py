"""The clocks of an instance: they stand while it is suspended, then go on with what was left.

While they stand, due dates are compared with ``suspended_at`` instead of the time it is.
The caller holds the instance's lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from app.db.tx import Tx

FAR: Final = "interval '35064000 hours'"
"""Four thousand years: nobody comes across what stands. In hours, as days have none for certain."""
_STOP: Final = f"""
with i as (
    update process_instances set suspended_at = %(now)s where id = %(id)s
), t as (
    update tasks set remind_at = remind_at + {FAR}
     where instance_id = %(id)s and state in ('open', 'claimed') and remind_at is not null
), ti as (
    update timers set paused = true where instance_id = %(id)s
)
update jobs set paused = true where instance_id = %(id)s and state in ('due', 'leased')
"""  # noqa: S608 - a constant only
# A job that was due already stays due as long as before.
_GO_ON: Final = f"""
with pause as (
    select suspended_at as since, greatest(%(now)s - suspended_at, interval '0') as lasted
      from process_instances where id = %(id)s
), i as (
    update process_instances set suspended_at = null where id = %(id)s
), t as (
    update tasks set due_at = due_at + lasted, remind_at = remind_at - {FAR} + lasted
      from pause where instance_id = %(id)s and state in ('open', 'claimed')
), ti as (
    update timers
       set paused = false, due_at = case when due_at > since then due_at + lasted else due_at end
      from pause where instance_id = %(id)s
)
update jobs
   set paused = false, due_at = case when due_at > since then due_at + lasted else due_at end
  from pause where instance_id = %(id)s and state in ('due', 'leased')
"""  # noqa: S608 - a constant only


def stop(tx: Tx, instance_id: int, *, now: datetime) -> None:
    """Stop them; no job of the instance is given out, no timer fires any more."""
    tx.run(_STOP, {"id": instance_id, "now": now})


def go_on(tx: Tx, instance_id: int, *, now: datetime) -> None:
    """Let them go on: what was due in two hours is due in two hours again."""
    tx.run(_GO_ON, {"id": instance_id, "now": now})

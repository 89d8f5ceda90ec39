"""Several processes that want to do the duties: one does."""

from __future__ import annotations

import pytest

from tests.fault.orders import start
from tests.fault.plant import Plant
from tests.fault.proof import leaders

pytestmark = pytest.mark.fault


def test_one_leads_and_the_other_takes_over_when_it_is_killed(works: Plant) -> None:
    works.duties.start()
    (first,) = works.until(lambda: leaders(works))
    spare = works.program("spare", "app.worker.duties")
    spare.start()
    spare.until_said("duties.started")
    works.duties.until_said("duties.started")
    assert leaders(works) == [first]

    works.duties.kill()
    works.until(lambda: leaders(works) not in ([], [first]))
    assert len(leaders(works)) == 1

    # What it leads for: a lease whose worker is gone, and a message about what is due.
    start(works)
    works.rows(
        "update jobs set state = 'leased', attempt = 1, leased_until = now() - interval '1 s'"
        " returning 1"
    )
    works.until(lambda: works.rows("select 1 from jobs where state = 'due' and lost = 1"))
    works.until(lambda: works.redis.client.exists("rq:queue:workflow"))

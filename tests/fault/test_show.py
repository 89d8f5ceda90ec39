"""The show in small: orders while the worker is killed twice and Redis is flushed."""

from __future__ import annotations

import pytest

from tests.fault.plant import Plant
from tests.fault.show import Show

pytestmark = pytest.mark.fault


def test_every_step_is_applied_once_whatever_dies(works: Plant) -> None:
    show = Show(works, instances=40, kills=2, flushes=1, tell=print)
    outcome = show.run()
    assert outcome.attempts == outcome.jobs + outcome.lost
    assert outcome.lost == sum(show.held)

"""A plant on a database of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fault.orders import publish
from tests.fault.plant import Plant, plant


@pytest.fixture
def works(fresh_url: str) -> Iterator[Plant]:
    """Redis runs, people and the orders' definition are stored; the rest is to be started."""
    with plant(fresh_url) as made:
        publish(made)
        yield made

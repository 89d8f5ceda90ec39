"""One evaluation of an expression: what it sees, and how much work it may still do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.expression_error import Refusal

MAX_STEPS = 10_000
"""Nodes of the expression and elements of lists and objects that one evaluation may visit."""


class Run:
    """The variables, the time, and the steps left."""

    __slots__ = ("left", "now", "scope")

    def __init__(self, scope: Mapping[str, Any], now: datetime, steps: int) -> None:
        self.scope = scope
        self.now = now
        self.left = steps

    def spend(self, steps: int) -> None:
        """Use up steps.

        Raises:
            Refusal: there are none left.
        """
        self.left -= steps
        if self.left < 0:
            raise Refusal("Takes more than %(limit)s steps; work on less at once", limit=MAX_STEPS)

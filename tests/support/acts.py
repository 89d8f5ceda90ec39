"""What people do by page and by REST alike, for the comparison of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.office import Office

Things = dict[str, int]


@dataclass(frozen=True)
class Act:
    """One thing that people do, by both doors.

    Args:
        by: who does it.
        page: path and fields of the form.
        rest: method, path and body.
        before: what has to be done first; it may add to the things.

    ``{name}`` in a path, and as a value of a form or a body, stands for a thing's id.
    """

    by: str
    page: tuple[str, dict[str, Any]]
    rest: tuple[str, str, Any]
    before: Callable[[Office, Things], object] = lambda office, things: None

"""What one picture is of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        by: who looks; None: nobody signed in.
        act: what is done on the page before.
        part: only what the window shows, for what floats above the page.
        before: what happens elsewhere, before the page is opened.
        script: whether scripts run.
    """

    name: str
    by: str | None
    path: str
    act: Callable[[Page], None] = lambda page: None
    part: bool = False
    before: Callable[[], str] | None = None
    script: bool = True

"""Taking back: a task from those whom its holder asked first."""

from __future__ import annotations

from app.task.side_close import pull_back as recall

__all__ = ["recall"]

"""What people do with tasks.

Lock order: the instance, then the task. Each verb is one transaction; a guarded write on
the task decides who wins, and whoever loses is told what the winner did.
"""

from __future__ import annotations

from app.task.claim import claim, release
from app.task.complete import Completed, complete
from app.task.draft import save_draft
from app.task.files import upload
from app.task.form import look_at

__all__ = ["Completed", "claim", "complete", "look_at", "release", "save_draft", "upload"]

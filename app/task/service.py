"""What people do with tasks.

Lock order: the instance, then the task. Each verb is one transaction; a guarded write on
the task decides who wins, and whoever loses is told what the winner did.
"""

from __future__ import annotations

from app.task.assign import HandedOver, assign, hand_over, transfer
from app.task.attachments import attach
from app.task.back import give_back
from app.task.claim import claim, release
from app.task.comments import comment, edit
from app.task.complete import Completed, complete
from app.task.copy import copy
from app.task.draft import save_draft
from app.task.files import upload
from app.task.form import look_at
from app.task.recall import recall
from app.task.remind import remind
from app.task.side import add_after, add_before, consult, delegate
from app.task.side_answer import resolve
from app.task.signers import Where, add_signer, remove_signer

__all__ = [
    "Completed",
    "HandedOver",
    "Where",
    "add_after",
    "add_before",
    "add_signer",
    "assign",
    "attach",
    "claim",
    "comment",
    "complete",
    "consult",
    "copy",
    "delegate",
    "edit",
    "give_back",
    "hand_over",
    "look_at",
    "recall",
    "release",
    "remind",
    "remove_signer",
    "resolve",
    "save_draft",
    "transfer",
    "upload",
]

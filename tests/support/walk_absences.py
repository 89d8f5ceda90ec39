"""The part of the walk through all pages that is about being away; see test_pages_chinese."""

from __future__ import annotations

import re
from typing import Any

from app.task import service as tasks
from tests.support.office import NOW


def absences(walk: Any) -> None:
    """Being away, and deciding for who is."""
    walk.get("/absences")
    walk.post("/absences", 422, user="zhao", substitute="mei", until="x", open_tasks="true")
    walk.post("/absences", 422, substitute="mei")
    until = {"until": "2099-01-01T00:00", "open_tasks": "false", "definitions": "trip"}
    number = walk.office.start("trip", amount=8)
    task = walk.office.task_of(number, "look")
    tasks.claim(walk.office.engine, walk.office["mei"], task, now=NOW)
    page = walk.post("/absences", 303, substitute="wang", **until)
    page = walk.get("/absences")
    one = re.findall(r'href="(/absences/[0-9]+)"', page.text)[0]
    walk.post("/absences", 422, substitute="zhao", **until)
    walk.get("/inbox")
    for path in (one, f"{one}/end"):
        walk.get(path)
    walk.post(one, 303, substitute="root", until="2099-01-01T00:00", open_tasks="true")
    walk.be("root")
    for path in ("/absences", "/absences?whose=mei", "/notifications", "/inbox"):
        walk.get(path)
    walk.get(f"/tasks/{task}")
    walk.post(f"/tasks/{task}/complete", 303, f__fine="true", f__why="123")
    walk.get("/inbox?tab=done")
    walk.get(f"/tasks/{task}")
    walk.get(f"/instances/{number}/sheet")
    walk.post(f"{one}/end", 303)
    walk.get("/absences?whose=mei")
    walk.post(f"{one}/end", 303)
    walk.get("/absences")

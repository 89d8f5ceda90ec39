"""Workers killed while a family grows and ends: no child twice, no end untold."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.fault import orders
from tests.fault.plant import Plant
from tests.fault.proof import publish, start, stories, take_back

pytestmark = pytest.mark.fault

CHILDREN = 3


def job(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "service_task",
        "config": {"service_name": "Parcels", "method": "work", "input": {}},
    }


def call(name: str, key: str, **more: Any) -> dict[str, Any]:
    config = {"process_key": key, "input": {}, **more.pop("config", {})}
    return {"id": name, "type": "call_activity", "config": config, **more}


def test_a_family_is_whole_whichever_commit_its_worker_dies_at(parcels: Plant) -> None:
    """Parent → three children at once → a grandchild each; its end ends both, and is told."""
    several = {"multi": {"over": f"${{{list(range(CHILDREN))}}}", "as": "it"}}
    publish(parcels, "grandchild", job("work"))
    publish(parcels, "child", call("further", "grandchild"))
    publish(parcels, "apart", job("alone"))
    publish(
        parcels,
        "parent",
        job("begin"),
        call("children", "child", **several),
        call("forget", "apart", config={"wait": False}),
        job("last"),
    )
    start(parcels, "parent")

    def dies(point: str, passes: int) -> dict[str, list[str]]:
        parcels.dies(parcels.worker, point, passes)
        take_back(parcels)
        found: dict[str, list[str]] = {}
        for row in parcels.rows(
            "select d.key, i.status from process_instances i"
            " join process_definitions d on d.id = i.definition_id order by i.status, i.id"
        ):
            found.setdefault(row["key"], []).append(row["status"])
        return found

    running = ["running"]
    assert dies("before_commit", 1) == {"parent": running}
    family = {"parent": running, "child": running * CHILDREN, "grandchild": running * CHILDREN}
    assert dies("after_commit", 1) == family
    for ended in range(CHILDREN):  # their ends are told one after the other: the family is locked
        partly = ["completed"] * ended + running * (CHILDREN - ended)
        family |= {"child": partly, "grandchild": partly}
        assert dies("before_commit", 1) == family
        assert dies("after_commit", 1)["child"].count("completed") == ended + 1
    done = ["completed"] * CHILDREN
    family = {"parent": running, "child": done, "grandchild": done, "apart": running}
    assert dies("after_lease", 0) == family
    parcels.worker.start()
    parcels.until(lambda: orders.all_ended(parcels, 2 + 2 * CHILDREN))

    told = stories(parcels)
    assert len(told) == 2 + 2 * CHILDREN
    (parent,) = (story for story in told if story.key == "parent")
    assert parent.steps("child.started") == {"children": CHILDREN, "forget": 1}
    assert parent.steps("child.ended") == {"children": CHILDREN}
    once = {"parent": ["begin", "last"], "grandchild": ["work"], "apart": ["alone"], "child": []}
    for story in told:
        assert story.steps("job.completed") == Counter(once[story.key])
        if story.key == "child":
            assert story.steps("child.ended") == {"further": 1}

"""Order approval by SpiffWorkflow with the smallest store there can be: a scale for the floor.

It is not one of our dependencies (LGPL); the bench is left out unless somebody installed it into
the environment: ``pip install SpiffWorkflow``. Its store is one row with the state as JSON, without
history, people or forms.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from functools import partial
from importlib import import_module
from typing import Any, Final

import psycopg

from tests.bench.clients import Shape
from tests.bench.given import Given, best_of
from tests.bench.process import theirs
from tests.bench.rows import Row

_SHAPES: Final = (Shape(1, 1), Shape(2, 1), Shape(2, 2))
_TABLE: Final = """
create table yardstick (
    id bigint generated always as identity primary key, state text not null, assignee text)
"""
_INSERT: Final = "insert into yardstick (state) values (%s) returning id"
_CLAIM: Final = "update yardstick set assignee = 'li' where id = %s and assignee is null"
_READ: Final = "select state from yardstick where id = %s"
_UPDATE: Final = "update yardstick set state = %s where id = %s and assignee = 'li'"


def _flow(source: str, target: str, condition: str = "") -> str:
    inner = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
    ends = f'sourceRef="{source}" targetRef="{target}"'
    return f'<sequenceFlow id="{source}_{target}" {ends}>{inner}</sequenceFlow>'


_BPMN: Final = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d">
<process id="order" isExecutable="true">
<startEvent id="start"/>{_flow("start", "validate")}
<scriptTask id="validate" name="Validate"><script>status = "validated"</script></scriptTask>
{_flow("validate", "check")}
<exclusiveGateway id="check" default="check_fulfil"/>
{_flow("check", "approve", "amount &gt; 1000")}{_flow("check", "fulfil")}
<userTask id="approve" name="Approve"/>{_flow("approve", "fulfil")}
<scriptTask id="fulfil" name="Fulfil"><script>status = "fulfilled"</script></scriptTask>
{_flow("fulfil", "end")}<endEvent id="end"/>
</process></definitions>"""


class Yardstick:
    """Runs approvals; each thread has a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        parser = import_module("SpiffWorkflow.bpmn.parser.BpmnParser").BpmnParser()
        parser.add_bpmn_xml(import_module("lxml.etree").fromstring(_BPMN.encode()))
        self._spec: Any = parser.get_spec("order")
        self._workflow: Any = import_module("SpiffWorkflow.bpmn.workflow").BpmnWorkflow
        named = import_module("SpiffWorkflow.bpmn.serializer.workflow")
        self._serializer: Any = named.BpmnWorkflowSerializer()
        self._ready: Any = import_module("SpiffWorkflow.util.task").TaskState.READY

    def once(self) -> None:
        """Run one approval."""
        conn = self._connection()
        flow = self._workflow(self._spec)
        first = flow.get_next_task(state=self._ready)
        first.data.update(order_id="PO-1", customer_id="C-7", amount=1250.5)
        flow.do_engine_steps()
        row = conn.execute(_INSERT, (self._serializer.serialize_json(flow),)).fetchone()
        number = row[0] if row else None
        conn.execute(_CLAIM, (number,))
        row = conn.execute(_READ, (number,)).fetchone()
        flow = self._serializer.deserialize_json(row[0] if row else "")
        task = flow.get_next_task(state=self._ready, manual=True)
        task.data.update(approved=True, comments="fine")
        task.run()
        flow.do_engine_steps()
        if not flow.is_completed():
            raise AssertionError(json.dumps(task.data))
        conn.execute(_UPDATE, (self._serializer.serialize_json(flow), number))

    def close(self) -> None:
        """Close this thread's connection."""
        self._connection().close()

    def _connection(self) -> psycopg.Connection[Any]:
        if not hasattr(self._local, "conn"):
            self._local.conn = psycopg.connect(self._url, autocommit=True, prepare_threshold=0)
        conn: psycopg.Connection[Any] = self._local.conn
        return conn


def run(given: Given) -> list[Row]:
    """Measure both in turns, with the number of clients that suits each best."""
    if importlib.util.find_spec("SpiffWorkflow") is None:
        return []
    url = given.database("yardstick")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(_TABLE)
    floor, ours = best_of(given, _SHAPES, partial(theirs, url), lambda _: Yardstick(url))
    return [Row("yardstick", ours / floor, {"SpiffWorkflow/s": ours, "floor/s": floor})]

"""Every step type that exists, by its name in a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.nodes.base import Node
from app.core.nodes.call_activity import CallActivity
from app.core.nodes.custom import Custom
from app.core.nodes.decision import DecisionTable
from app.core.nodes.end import End
from app.core.nodes.event_gateway import EventGateway
from app.core.nodes.exclusive_gateway import ExclusiveGateway
from app.core.nodes.external_task import ExternalTask
from app.core.nodes.inclusive_gateway import InclusiveGateway
from app.core.nodes.messages import ReceiveMessage, SendMessage
from app.core.nodes.outgoing import Email, MessageQueue, Webhook
from app.core.nodes.parallel_gateway import ParallelGateway
from app.core.nodes.script import Script
from app.core.nodes.service_task import ServiceTask
from app.core.nodes.start import Start
from app.core.nodes.sub_process import SubProcess
from app.core.nodes.timer import Timer
from app.core.nodes.user_task import UserTask

NODES: Final[Mapping[str, Node]] = {
    node.type: node
    for node in (
        Start(),
        ServiceTask(),
        UserTask(),
        ExclusiveGateway(),
        InclusiveGateway(),
        ParallelGateway(),
        EventGateway(),
        Timer(),
        ReceiveMessage(),
        SendMessage(),
        Script(),
        DecisionTable(),
        CallActivity(),
        SubProcess(),
        Webhook(),
        MessageQueue(),
        Email(),
        ExternalTask(),
        End(),
    )
}
CUSTOM: Final = Custom()


def node_of(kind: str) -> Node:
    """Return the node of a step type; a type that is not ours was registered."""
    return NODES.get(kind, CUSTOM)

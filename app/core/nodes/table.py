"""Every step type that exists, by its name in a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.nodes.base import Node
from app.core.nodes.end import End
from app.core.nodes.exclusive_gateway import ExclusiveGateway
from app.core.nodes.service_task import ServiceTask
from app.core.nodes.start import Start
from app.core.nodes.user_task import UserTask

NODES: Final[Mapping[str, Node]] = {
    node.type: node for node in (Start(), ServiceTask(), UserTask(), ExclusiveGateway(), End())
}

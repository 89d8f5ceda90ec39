"""Log lines: structured, one form for our own and for libraries', nothing secret in them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN: Final = "[hidden]"
_HANDLER: Final = "workflow-engine"
_SECRET_WORDS: Final = (
    "password",
    "secret",
    "token",
    "authorization",
    "cookie",
    "variables",
    "credential",
)
_WORDS: Final[Mapping[str, int]] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def configure(*, level: str = "info", form: str = "json", output: str = "stdout") -> None:
    """Set up logging for this process; a second call replaces the first.

    Args:
        level: debug, info, warn or error.
        form: ``json`` (a document a line) or ``console`` (for people).
        output: ``stdout``, ``stderr`` or the path of a file that lines are added to.

    Raises:
        ValueError: unknown level or form.
    """
    if form not in ("json", "console"):
        raise ValueError(f"unknown log format {form!r}: use json or console")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = _handler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(form),
            ],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.name == _HANDLER]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_level(level)


def set_level(level: str) -> None:
    """Change the level of this process's log lines while it runs.

    Raises:
        ValueError: not one of debug, info, warn, error.
    """
    try:
        number = _WORDS[level.lower()]
    except KeyError:
        raise ValueError(f"unknown log level {level!r}: use debug, info, warn or error") from None
    logging.getLogger().setLevel(number)
    # One line a request is ours; the servers' own would say it twice.
    logging.getLogger("werkzeug").setLevel(max(number, logging.WARNING))
    logging.getLogger("httpx").setLevel(max(number, logging.WARNING))


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace what must never reach a log, at any depth, by its key (a structlog processor)."""
    for key, value in event.items():
        event[key] = _shown(key, value)
    return event


@lru_cache(1024)
def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET_WORDS)


def _shown(key: Any, value: Any) -> Any:
    if isinstance(key, str) and _is_secret(key):
        return HIDDEN
    if isinstance(value, Mapping):
        return {inner: _shown(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(None, each) for each in value]
    return value


def _rendering(form: str) -> list[Processor]:
    if form == "console":
        return [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def _handler(output: str) -> logging.Handler:
    handler: logging.Handler
    if output in ("stdout", "stderr"):
        handler = _StandardStream(output)
    else:
        Path(output).parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(output, encoding="utf-8")
    handler.set_name(_HANDLER)  # how a later call finds it
    return handler


class _StandardStream(logging.StreamHandler[Any]):
    """Writes to what ``sys.stdout`` or ``sys.stderr`` is now: it may be replaced or captured."""

    def __init__(self, name: str) -> None:
        logging.Handler.__init__(self)
        self._name_of_stream = name

    @property
    def stream(self) -> IO[str]:
        found: IO[str] = getattr(sys, self._name_of_stream)
        return found

    @stream.setter
    def stream(self, _value: IO[str]) -> None:
        """The stream follows ``sys``; setting it has no meaning."""

"""A registered step type: its config by its own pydantic model, at upload and when it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from app.connector.base import BusinessError, JobContext, Task
from app.definition.custom import Problem


class CustomType:
    """One step type.

    Args:
        name: as definitions write it.
        task: what was registered.

    Raises:
        TypeError: the object is no step type.
    """

    def __init__(self, name: str, task: Task) -> None:
        model = getattr(task, "config_model", None)
        if not callable(getattr(task, "execute", None)):
            raise TypeError(f"{name}: the object needs execute(ctx, input)")
        if model is not None and not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise TypeError(f"{name}: config_model must be a pydantic model")
        self.name = name
        self._task = task
        self._model: type[BaseModel] | None = model

    def run(self, given: Mapping[str, Any], context: JobContext) -> Any:
        """Execute a job; ``given`` is the evaluated config.

        Raises:
            BusinessError: code ``bad_config``: the expressions gave what the model refuses.
        """
        if self._model is None:
            return self._task.execute(context, dict(given))
        try:
            config = self._model.model_validate(dict(given))
        except ValidationError as error:
            said = "; ".join(
                f"{'.'.join(map(str, path)) or 'config'}: {message}"
                for path, message in _told(error)
            )
            raise BusinessError("bad_config", f"The config of {self.name}: {said}") from None
        return self._task.execute(context, config.model_dump())

    def problems(self, config: Mapping[str, Any]) -> Sequence[Problem]:
        """Return what is wrong with a config as it is written, its expressions unknown yet."""
        if self._model is None:
            return []
        try:
            self._model.model_validate(dict(config))
        except ValidationError as error:
            return list(_told(error, config))
        except Exception as error:  # a model's own code may raise anything
            return [Problem((), f"{type(error).__name__}: {error}")]
        return []


def _told(error: ValidationError, written: Any = None) -> Iterator[Problem]:
    """Yield the errors; of a ``written`` config only those that no expression can change."""
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        path = tuple(each["loc"])
        if written is None:
            yield Problem(path, each["msg"])
            continue
        depth, value = _reached(written, path)
        if _certain(each["type"], value):
            missing = ".".join(map(str, path[depth:]))
            said = f"{missing}: {each['msg']}" if missing else each["msg"]
            yield Problem(path[:depth], said)


def _certain(kind: str, value: Any) -> bool:
    """Say whether an error about a value holds whatever its expressions will give."""
    if kind == "missing":
        return not _is_expression(value)
    return kind == "extra_forbidden" or not _has_expression(value)


def _reached(value: Any, path: Sequence[str | int]) -> tuple[int, Any]:
    """Follow a path as far as it goes: a model's path also names what is in no document."""
    depth = 0
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    return depth, value


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and "${" in value


def _has_expression(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_expression(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_has_expression(inner) for inner in value)
    return _is_expression(value)

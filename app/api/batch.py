"""Many of the same in one request: each item for itself, with an answer of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from app.api.call import Answer, Call
from app.api.errors import document_of
from app.api.idempotency import is_keyed
from app.db.busy import briefly
from app.errors import AppError, FieldError, Invalid

Item = TypeVar("Item")


def each(
    call: Call, items: Iterable[Item], name: Callable[[Item], int | None], do: Callable[[Item], int]
) -> Answer:
    """Do something for each item; what cannot be done takes nothing else back.

    Each has a transaction of its own. Under an Idempotency-Key all of it is one, with the
    answer, and each item a part that is taken back alone.

    Args:
        name: the id that an item names, if it does.
        do: does it; returns the id of what it was done to.
    """
    results: list[dict[str, Any]] = []
    busy = 0
    for index, item in enumerate(items):
        result = _one(call, index, item, name, do, busy)
        busy += result.get("problem", {}).get("code") == "locked"
        results.append(result)
    done = sum(result["ok"] for result in results)
    return Answer({"results": results, "done": done, "failed": len(results) - done})


def exactly_one(first: str, second: str, given: tuple[object, object]) -> None:
    """Refuse unless one of two members was given.

    Raises:
        Invalid: code ``invalid_body``.
    """
    if (given[0] is None) == (given[1] is None):
        error = FieldError(f"/{first}", "required", "Give one of the two, and only one.")
        raise Invalid(
            "invalid_body",
            "Give either %(first)s or %(second)s.",
            errors=(error,),
            first=first,
            second=second,
        )


def needed(name: str, given: object, action: str) -> None:
    """Refuse an action without the member that says what it is done to.

    Raises:
        Invalid: code ``invalid_body``.
    """
    if given is None:
        error = FieldError(f"/{name}", "required", "This member is required.")
        raise Invalid(
            "invalid_body",
            "The action %(action)s needs %(name)s.",
            errors=(error,),
            action=action,
            name=name,
        )


def _one(
    call: Call,
    index: int,
    item: Item,
    name: Callable[[Item], int | None],
    do: Callable[[Item], int],
    busy: int,
) -> dict[str, Any]:
    try:
        done = _apart(call, lambda: do(item), busy)
    except AppError as error:
        if is_keyed():
            raise
        return _failed(index, name(item), error)
    if isinstance(done, AppError):
        return _failed(index, name(item), done)
    return {"index": index, "id": done, "ok": True, "status": 200}


def _apart(call: Call, do: Callable[[], int], busy: int) -> int | AppError:
    """Do one item, and take it back if it is refused.

    Args:
        busy: how many before it were locked by others.

    Raises:
        AppError: the database is away or too busy.
    """
    with call.db.transaction() as tx:
        try:
            with tx.undone_on_error(), briefly(tx, busy):
                return do()
        except AppError as error:
            if error.status >= 500:
                raise
            return error


def _failed(index: int, item: int | None, error: AppError) -> dict[str, Any]:
    problem = document_of(error)
    return {"index": index, "id": item, "ok": False, "status": error.status, "problem": problem}

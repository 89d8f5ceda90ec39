"""Step types by registration, and connectors from packages and a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, model_validator

from app.config import ROOT, ConfigError, Settings
from app.connector.base import BusinessError, JobContext
from app.connector.registry import Registry
from app.connector.standard import standard_registry
from app.definition import service as definitions
from app.definition.custom import KnownHere, check
from app.errors import Invalid
from app.worker.clock import now
from app.worker.drain import Drain
from tests.support.office import NOW
from tests.support.until import until
from tests.worker.conftest import Shop

CONTEXT = JobContext("17", instance_id=4, step="mail", attempt=2, timeout=60)
EXAMPLES = ROOT / "examples" / "connectors"


def example() -> Registry:
    return standard_registry(Settings(mode="demo", connectors=str(EXAMPLES)))


def document(**config: Any) -> str:
    step = {"id": "mail", "name": "Mail", "type": "custom_email", "config": config}
    return json.dumps({"name": "A", "key": "a", "version": "1", "steps": [step]}, indent=1)


def found(registry: Registry, source: str) -> list[tuple[str, str]]:
    known = KnownHere(types=frozenset(registry.types()), configs=registry.types())
    checked = check(source, known)
    assert checked.valid == (not [each for each in checked.findings if each.severity == "error"])
    return [(each.code, each.pointer) for each in checked.findings if each.severity == "error"]


# --- the model at upload -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"template": "welcome", "recipients": ["user@example.com"]}, []),
        ({"template": "${t}", "recipients": "${people}", "urgent": "${u}"}, []),
        ({"template": "a", "recipients": ["a", "${b}"], "timeout": "5s", "x-note": 1}, []),
        ({"template": "a"}, [""]),
        ({"template": "", "recipients": ["a"]}, ["/template"]),
        ({"template": "a", "recipients": "a"}, ["/recipients"]),
        ({"template": "a", "recipients": []}, ["/recipients"]),
        ({"template": "a", "recipients": ["${a}", 5]}, ["/recipients/1"]),
        ({"template": "a", "recipients": ["a"], "colour": "${x}"}, ["/colour"]),
        ({"template": 5, "recipients": 5}, ["/template", "/recipients"]),
    ],
)
def test_a_config_is_checked_by_its_model_as_far_as_it_is_known(
    config: dict[str, Any], places: list[str]
) -> None:
    expected = [("bad_config", f"/steps/0/config{place}") for place in places]
    assert found(example(), document(**config)) == expected


def test_a_finding_stands_at_the_very_token() -> None:
    registry = example()
    known = KnownHere(types=frozenset(registry.types()), configs=registry.types())
    source = document(template="a", recipients=["a", 5])
    (finding,) = check(source, known).findings
    line = source.splitlines()[finding.line - 1]
    assert line[finding.column - 1 :] == "5"
    assert "custom_email" in finding.text()


def test_a_step_without_config_is_told_where_the_step_is() -> None:
    source = '{"name":"A","key":"a","version":"1","steps":[{"id":"m","name":"M","type":"bare"}]}'
    registry = Registry()

    class Model(BaseModel):
        n: int

    registry.register("bare", task(Model))
    known = KnownHere(types=frozenset(registry.types()), configs=registry.types())
    (finding,) = check(source, known).findings
    assert (finding.code, finding.pointer) == ("bad_config", "/steps/0/config")
    assert source[finding.column - 1 :].startswith('{"id":"m"')
    assert "n: Field required" in finding.text()


def test_a_step_inside_a_sub_process_is_checked_too() -> None:
    inner = json.loads(document(template=""))["steps"]
    outer = {"id": "sub", "name": "Sub", "type": "sub_process", "config": {"steps": inner}}
    source = json.dumps({"name": "A", "key": "a", "version": "1", "steps": [outer]})
    at = "/steps/0/config/steps/0/config"
    codes = [("bad_config", f"{at}/template"), ("bad_config", at)]
    assert sorted(found(example(), source)) == sorted(codes)


def test_a_model_that_breaks_is_a_finding() -> None:
    class Model(BaseModel):
        @model_validator(mode="before")
        @classmethod
        def broken(cls, value: Any) -> Any:
            raise RuntimeError("oops")

    registry = Registry()
    registry.register("custom_email", task(Model))
    assert found(registry, document(a=1)) == [("bad_config", "/steps/0/config")]


def test_what_every_custom_step_has_is_checked_by_us() -> None:
    config = {"template": "a", "recipients": ["a"], "timeout": "soon", "retry_policy": 3}
    assert {code for code, _ in found(example(), document(**config))} == {
        "bad_duration",
        "wrong_type",
    }


def test_a_definition_is_stored_only_with_a_good_config(shop: Shop) -> None:
    registry = example()
    known = definitions.known(shop.db, registry.names(), registry.types())
    root = shop.office["root"]
    with pytest.raises(Invalid) as refused:
        definitions.create(shop.db, root, document(template=""), known=known, now=NOW)
    assert {each.code for each in refused.value.errors} == {"bad_config"}
    good = document(template="welcome", recipients=["a"])
    assert definitions.create(shop.db, root, good, known=known, now=NOW)[1]


# --- running -------------------------------------------------------------------------------------


def task(
    model: type[BaseModel] | None = None,
    execute: Callable[[JobContext, dict[str, Any]], Any] = lambda ctx, input: {},
) -> Any:
    """Make what is registered."""

    class Made:
        config_model = model

        def execute(self, ctx: JobContext, input: dict[str, Any]) -> Any:
            return execute(ctx, input)

    return Made()


def test_a_step_of_a_registered_type_runs_to_its_output(open_shop: Shop) -> None:
    class Model(BaseModel):
        people: list[str]
        share: Decimal
        note: str = "none"

    given: list[Any] = []

    def execute(ctx: JobContext, input: dict[str, Any]) -> Any:
        given.append((ctx.step, input))
        return {"share": input["share"] * 2}

    registry = open_shop.services
    registry.register("give_out", task(Model, execute))
    step = {
        "id": "give",
        "name": "Give",
        "type": "give_out",
        "config": {
            "people": "${people}",
            "share": "${total / 4}",
            "output": {"twice": "${result.share}"},
        },
    }
    open_shop.at = now()
    known = definitions.known(open_shop.db, registry.names(), registry.types())
    source = json.dumps({"name": "A", "key": "shop1", "version": "1", "steps": [step]})
    root = open_shop.office["root"]
    definitions.create(open_shop.db, root, source, known=known, now=open_shop.at)
    open_shop.made = 1
    instance = open_shop.again(people=["li", "wang"], total=Decimal("1.10"))
    refused = open_shop.again(people="li", total=1)
    drain = Drain(open_shop.engine, registry, worker="a", clock=now)
    drain.start()
    until(lambda: open_shop.instance(instance)["status"] == "completed")
    until(lambda: open_shop.instance(refused)["incident_count"])
    drain.stop(5)
    values = {"people": ["li", "wang"], "share": Decimal("0.275"), "note": "none"}
    assert given == [("give", values)]
    assert open_shop.instance(instance)["variables"]["twice"] == Decimal("0.550")
    assert open_shop.incident(refused)["detail"]["code"] == "bad_config"
    assert "people" in open_shop.incident(refused)["message"]


def test_without_a_model_the_values_come_as_they_are() -> None:
    registry = Registry()
    registry.register("plain", task(execute=lambda ctx, input: input))
    service = registry.service("plain", "execute")
    assert service is not None
    assert service.one is not None
    assert service.one({"a": Decimal("1.10")}, CONTEXT) == {"a": Decimal("1.10")}


def test_the_shipped_example_does_what_it_says() -> None:
    service = example().service("custom_email", "execute")
    assert service is not None
    assert service.one is not None
    given = {"template": "welcome", "recipients": ["a", "b"]}
    assert service.one(given, CONTEXT) == {"sent": 2}
    with pytest.raises(BusinessError) as refused:
        service.one(given | {"template": "other"}, CONTEXT)
    assert refused.value.code == "no_template"


@pytest.mark.parametrize("name", ["", "user_task", "end", "a.b", "1a", "a b", "a" * 101])
def test_names_that_no_step_type_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be called"):
        Registry().register(name, task())


def test_what_is_no_step_type_is_refused() -> None:
    with pytest.raises(TypeError, match="execute"):
        Registry().register("a", object())  # type: ignore[call-overload]  # the point
    with pytest.raises(TypeError, match="pydantic"):
        Registry().register("a", task(int))  # type: ignore[arg-type]  # the point
    registry = Registry()
    registry.register("a", task())
    with pytest.raises(ValueError, match="twice"):
        registry.register("a", task())


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Registry().register("A", "b", lambda given, context: 1, concurrency=limit)
    with pytest.raises(ValueError, match="at least 1"):
        Registry().register_batch("A", "b", lambda given: [], batch=limit)


# --- from outside --------------------------------------------------------------------------------

INSTALL = "def install(registry):\n    registry.register('{0}', 'do', lambda given, context: 1)\n"


def test_every_file_of_the_folder_is_read_but_those_that_are_hidden(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        (tmp_path / f"{name}.py").write_text(INSTALL.format(name), encoding="utf-8")
    (tmp_path / "_three.py").write_text("raise RuntimeError", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no Python", encoding="utf-8")
    registry = standard_registry(Settings(mode="demo", connectors=str(tmp_path)))
    assert registry.names() - standard_registry().names() == {"One.do", "Two.do"}


@pytest.mark.parametrize(
    "text",
    ["raise RuntimeError('oops')", "def (", "x = 1", INSTALL.format("NoopService"), "import zzz"],
)
def test_a_file_that_cannot_be_used_stops_the_start_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text.replace("'do'", "'run'"), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        standard_registry(Settings(mode="demo", connectors=str(tmp_path)))
    assert str(file) in str(refused.value)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="/nowhere"):
        standard_registry(Settings(mode="demo", connectors="/nowhere"))


def test_installed_packages_add_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stock_connector.py").write_text(INSTALL.format("Stock"), encoding="utf-8")
    about = tmp_path / "stock_connector-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: stock-connector\nVersion: 1\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[workflow_engine.connectors]\nstock = stock_connector:install\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        registry = standard_registry(Settings(mode="demo"))
        assert registry.known("Stock", "do")
    finally:
        sys.modules.pop("stock_connector", None)

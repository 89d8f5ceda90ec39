"""``check``, ``simulate`` and ``users`` as a person types them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.cli.commands import main
from app.db.tx import Database
from app.identity import service
from app.identity.actor import SYSTEM

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SCENARIOS = sorted((EXAMPLES / "scenarios").glob("*.json"))
ORDER = EXAMPLES / "definitions" / "example_order_processing.json"
STRONG = "correct horse battery"
Say = Callable[..., Result]


@pytest.fixture
def say() -> Say:
    """Run a command without any setting of this machine."""

    def run(*words: str | Path, given: str | None = None, **env: str) -> Result:
        clean = dict.fromkeys(("DATABASE_URL", "REDIS_URL", "APP_CONFIG", "JWT_SECRET_KEY"))
        return CliRunner(env={**clean, **env}).invoke(main, [str(w) for w in words], input=given)

    return run


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be connected to, and no program be started."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it opens a connection or starts a program")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(os, "posix_spawn", refuse)
    monkeypatch.setattr("subprocess.Popen.__init__", refuse)


def written(folder: Path, text: str, name: str = "d.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def plain(result: Result) -> str:
    """Return what was said; fail if it was a traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result.output


# check --------------------------------------------------------------------------------


def test_the_examples_are_clean(say: Say, offline: None) -> None:
    files = sorted((EXAMPLES / "definitions").glob("*.json"))
    result = say("check", *files)
    assert plain(result) == f"{len(files)} checked, 0 with errors\n"
    assert result.exit_code == 0


def test_findings_name_file_line_and_column(say: Say, offline: None, tmp_path: Path) -> None:
    path = written(tmp_path, '{"name": "n", "steps": [\n {"id": "a", "type": "tmer"}]}')
    result = say("check", ORDER, path)
    assert result.exit_code == 1
    assert f"{path}:2:22: error: There is no step type tmer." in plain(result)
    assert "[unsupported_type]" in result.output


def test_findings_as_json(say: Say, offline: None, tmp_path: Path) -> None:
    path = written(tmp_path, '{"name": "n", ')
    result = say("check", "--json", path, ORDER)
    told = json.loads(plain(result))
    assert (result.exit_code, told["valid"]) == (1, False)
    assert [each["valid"] for each in told["files"]] == [False, True]
    assert told["files"][0]["findings"][0]["code"].startswith("json_")


def test_an_envelope_is_checked_as_an_upload_is(say: Say, offline: None, tmp_path: Path) -> None:
    inner = '{"steps": [{"id": "a", "type": "end"}]}'
    good = written(tmp_path, '{"name": "n", "version": "1", "config": ' + inner + "}")
    bad = written(tmp_path, '{"nam": "n", "config": ' + inner + "}", "bad.json")
    assert say("check", good).exit_code == 0
    result = say("check", bad)
    assert result.exit_code == 1
    assert "[unknown_member]" in plain(result)


def test_what_cannot_be_read_is_said_in_a_sentence(say: Say, tmp_path: Path) -> None:
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"name": "\xe9"}')
    for path, word in ((tmp_path / "no.json", "cannot be read"), (tmp_path, "cannot be read")):
        result = say("check", path)
        assert (result.exit_code, word in plain(result)) == (1, True)
    assert "not UTF-8" in plain(say("check", latin))
    assert say("check").exit_code == 2


# simulate -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_scenario_ends_as_it_says(say: Say, offline: None, path: Path) -> None:
    key = json.loads(path.read_text(encoding="utf-8"))["definition"]
    definition = EXAMPLES / "definitions" / f"{key}.json"
    result = say("simulate", definition, "--scenario", path)
    assert (result.exit_code, "differs" in plain(result)) == (0, False)


REJECTED = EXAMPLES / "scenarios" / "example_order_processing.rejected.json"


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({"path": ["validate_order"]}, "differs   path should be validate_order and is"),
        ({"status": "failed"}, "status should be 'failed' and is 'completed'"),
        ({"variables": {"approved": 0}}, "variables.approved should be 0 and is False"),
        ({"staus": "completed"}, "expect names staus"),
    ],
)
def test_what_differs_is_said(say: Say, tmp_path: Path, expect: dict[str, Any], said: str) -> None:
    scenario = json.loads(REJECTED.read_text(encoding="utf-8")) | {"expect": expect}
    result = say("simulate", ORDER, "--scenario", written(tmp_path, json.dumps(scenario)))
    assert result.exit_code == 1
    assert said in plain(result)


def test_how_it_went_as_json(say: Say, offline: None) -> None:
    told = json.loads(plain(say("simulate", ORDER, "--scenario", REJECTED, "--json")))
    assert (told["status"], told["path"][-1], told["differences"]) == ("completed", "end", [])


def test_a_scenario_that_does_not_fit_is_said_in_a_sentence(say: Say, tmp_path: Path) -> None:
    scenario = json.loads(REJECTED.read_text(encoding="utf-8"))
    scenario["answers"][1]["step"] = "nowhere"
    result = say("simulate", ORDER, "--scenario", written(tmp_path, json.dumps(scenario)))
    assert result.exit_code == 1
    assert "answers[1]: There is no step nowhere." in plain(result)
    broken = written(tmp_path, '{"start": ')
    assert f"{broken}:1:" in plain(say("simulate", ORDER, "--scenario", broken))
    assert "must hold an object" in plain(
        say("simulate", ORDER, "--scenario", written(tmp_path, "[]"))
    )
    wrong = written(tmp_path, '{"name": "n", "steps": []}', "wrong.json")
    assert "workflow-engine check" in plain(say("simulate", wrong, "--scenario", REJECTED))


# users --------------------------------------------------------------------------------


def test_a_first_account_can_sign_in(say: Say, committed: Database, database_url: str) -> None:
    def users(*words: str, given: str | None = None) -> Result:
        return say("users", *words, given=given, DATABASE_URL=database_url)

    service.ensure_roles(committed)
    service.create_group(committed, SYSTEM, name="sales", now=datetime.now(UTC))
    made = users(
        *("add", "Ada", "--name", "Ada L.", "--role", "admin", "--role", "user"),
        *("--group", "sales", "--password-stdin"),
        given=f"{STRONG}\n",
    )
    assert plain(made).endswith("Added ada (admin, user).\n")
    now = datetime.now(UTC)
    who = service.authenticate(committed, "ada", STRONG, now=now)
    assert (sorted(who.groups), "user:admin" in who.permissions) == (["sales"], True)
    assert "ada       yes     Ada L.  admin, user  sales" in plain(users("list"))
    again = users("add", "ada", "--name", "A", "--role", "user", "--password-stdin", given=STRONG)
    assert (again.exit_code, "taken" in plain(again)) == (1, True)
    changed = users("password", "ada", "--password-stdin", given=f"{STRONG} two\n")
    assert (changed.exit_code, "signed out" in plain(changed)) == (0, True)
    assert service.authenticate(committed, "ada", f"{STRONG} two", now=now).id == who.id


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        (("add", "bob", "--name", "B", "--role", "user"), "short\n", "password: Use at least 12"),
        (("add", "bob", "--name", "B", "--role", "boss"), STRONG, "roles: There is no “boss”"),
        (("add", "b b", "--name", "B", "--role", "user"), STRONG, "username:"),
        (("add", "bob", "--name", " ", "--role", "user"), STRONG, "name: Enter"),
        (("add", "bob", "--name", "B", "--role", "user"), "", "no password"),
        (("password", "nobody"), STRONG, "There is no such person."),
        (("password", "no body"), STRONG, "There is no such person."),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    say: Say, committed: Database, database_url: str, words: tuple[str, ...], given: str, said: str
) -> None:
    result = say("users", *words, "--password-stdin", given=given, DATABASE_URL=database_url)
    assert (result.exit_code, said in plain(result)) == (1, True), result.output


def test_without_a_terminal_nobody_is_asked(say: Say, database_url: str) -> None:
    result = say("users", "password", "ada", DATABASE_URL=database_url)
    assert (result.exit_code, "--password-stdin" in plain(result)) == (1, True)

"""The image and the compose file fit the code: what can be checked without a container engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from app.cli import main
from app.config import _NAMED, load_settings
from app.config import _known as known_settings

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"] == "workflow-engine"}
OTHERS = {name: each for name, each in SERVICES.items() if name not in OURS}


def filled(value: str, **env: str) -> str:
    """Fill in ``${NAME:-default}`` as compose does."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: env.get(found[1]) or found[2], value)


def test_all_parts_are_there() -> None:
    assert set(OURS) == {"workflow-engine", "worker", "duties", "prepare"}
    assert set(OTHERS) == {"postgres", "redis"}


@pytest.mark.parametrize("name", OURS)
def test_each_command_exists(name: str) -> None:
    command = main
    for word in OURS[name]["command"]:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    assert not isinstance(command, click.Group)


@pytest.mark.parametrize("name", OURS)
def test_each_environment_name_is_a_setting_and_the_whole_is_accepted(name: str) -> None:
    names = set(_NAMED) | {"APP_" + key.upper().replace(".", "__") for key in known_settings()}
    environment = OURS[name]["environment"]
    assert set(environment) <= names
    secret = "tK4vNq7Zr2Wm9XcB5hJd8LpGf3Ys6EuA"
    for mode in ({"JWT_SECRET_KEY": secret}, {"JWT_SECRET_KEY": secret, "APP_MODE": "production"}):
        env = {key: filled(value, **mode) for key, value in environment.items()}
        settings = load_settings(env=env)
        assert settings.mode == mode.get("APP_MODE", "demo")
        assert settings.database_url.split("@")[1].split(":")[0] in OTHERS
        assert settings.redis_url.split("//")[1].split(":")[0] in OTHERS


def test_nothing_starts_before_what_it_needs() -> None:
    for name in ("workflow-engine", "worker", "duties"):
        needs = {key: each["condition"] for key, each in OURS[name]["depends_on"].items()}
        assert needs == {
            "prepare": "service_completed_successfully",
            "postgres": "service_healthy",
            "redis": "service_healthy",
        }
    for name in OTHERS:
        assert OTHERS[name]["healthcheck"]["test"]


def test_containers_are_confined() -> None:
    for name, each in OURS.items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["tmpfs"], name
    for name, each in SERVICES.items():
        assert each["deploy"]["resources"]["limits"]["memory"], name
        assert ("outside" in each["networks"]) == (name in {"workflow-engine", "worker"}), name
        assert ("ports" in each) == (name == "workflow-engine"), name
    assert COMPOSE["networks"]["inside"]["internal"]


def test_the_file_holds_no_secret_and_every_volume_is_declared() -> None:
    given = {
        name: value
        for each in SERVICES.values()
        for name, value in each.get("environment", {}).items()
        if re.search(r"PASSWORD|SECRET|TOKEN", name)
    }
    assert given == {"JWT_SECRET_KEY": "${JWT_SECRET_KEY:-}"}
    used = {volume.partition(":")[0] for each in SERVICES.values() for volume in each["volumes"]}
    assert used == set(COMPOSE["volumes"])


def test_the_image_runs_as_nobody_special_and_says_when_it_is_well() -> None:
    assert "USER 1001:1001" in DOCKERFILE
    assert "/health/ready" in DOCKERFILE
    assert re.search(r'^ENTRYPOINT \["python", "-m", "app.cli"\]$', DOCKERFILE, re.M)
    for base in re.findall(r"^FROM (\S+)", DOCKERFILE, re.M):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+-[\w-]+", base), f"{base} is not pinned"


def test_the_image_holds_what_the_code_reads() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    taken = {line[1:] for line in ignored if line.startswith("!")}
    read = {
        "app", "configs", "examples", "migrations", "static", "templates", "translations",
        "wsgi.py", "gunicorn.conf.py", "pyproject.toml", "requirements.lock",
    }  # fmt: skip
    assert ignored[0] == "*"
    assert taken == read

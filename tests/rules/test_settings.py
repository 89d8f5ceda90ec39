"""Settings: what wins over what, and what is refused with which remedy."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from app import config
from app.config import DEFAULT_FILE, ConfigError, load_settings

SECRET = "tK4vNq7Zr2Wm9XcB5hJd8LpGf3Ys6EuA"
NOTHING = Path("/dev/null")


def refusal(env: dict[str, str] | None = None, path: Path = NOTHING) -> str:
    with pytest.raises(ConfigError) as error:
        load_settings(env=env or {}, path=path)
    return str(error.value)


def test_the_shipped_file_names_every_setting_with_its_default() -> None:
    flat = dict(config._flat(yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))))
    assert set(flat) == set(config._known())
    env = {"JWT_SECRET_KEY": SECRET}
    assert load_settings(env=env) == load_settings(env=env, path=NOTHING)


def test_environment_wins_over_the_file_and_overrides_over_both(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("port: 1001\nhost: a\nlog:\n  level: debug\n", encoding="utf-8")
    env = {"APP_CONFIG": str(file), "JWT_SECRET_KEY": SECRET, "PORT": "1002", "APP_HOST": "b"}
    settings = load_settings({"port": 1003}, env=env)
    assert (settings.port, settings.host, settings.log.level) == (1003, "b", "debug")


def test_the_manual_s_keys_are_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "database: {max_open_conns: 100, max_idle_conns: 25, conn_max_lifetime: 10m}\n"
        "cache: {default_expiration: 30m, cleanup_interval: 5m, enable_compression: true}\n"
        f"jwt: {{secret_key: {SECRET}, expiration_time: 24h, refresh_time: 7d,"
        " enable_blacklist: true}\n"
        "log: {level: info, format: json, output: stdout}\n",
        encoding="utf-8",
    )
    settings = load_settings(env={}, path=file)
    assert settings.database.max_open_conns == 100
    assert settings.jwt.refresh_time == timedelta(days=7)
    assert settings.database.conn_max_lifetime == timedelta(minutes=10)


def test_networks_come_as_a_list_from_the_environment() -> None:
    env = {"JWT_SECRET_KEY": SECRET, "APP_METRICS__NETWORKS": "10.0.0.0/8,192.168.0.0/16"}
    assert load_settings(env=env).metrics.networks == ("10.0.0.0/8", "192.168.0.0/16")


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"APP_LOG__LEVL": "info"}, "log.level"),
        ({"APP_PROT": "1"}, "port"),
        ({"APP_JWT__SECRET": SECRET}, "jwt.secret_key"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(env: dict[str, str], named: str) -> None:
    text = refusal({"JWT_SECRET_KEY": SECRET, **env})
    assert f"Did you mean {named}?" in text


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"PORT": "70000"}, "port"),
        ({"APP_JWT__REFRESH_TIME": "7"}, "jwt.refresh_time"),
        ({"APP_JWT__REFRESH_TIME": "0s"}, "jwt.refresh_time"),
        ({"APP_LOG__LEVEL": "loud"}, "log.level"),
        ({"APP_JWT__ENABLE_BLACKLIST": "false"}, "jwt.enable_blacklist"),
        ({"APP_METRICS__NETWORKS": "10.0.0.0/99"}, "metrics.networks"),
        ({"APP_PUBLIC_URL": "workflow.example.com"}, "public_url"),
        ({"APP_PUBLIC_URL": "ftp://workflow.example.com"}, "public_url"),
        ({"APP_PUBLIC_URL": "https://me:pass@workflow.example.com"}, "public_url"),
        ({"APP_PUBLIC_URL": "https://workflow.example.com/?a=b"}, "public_url"),
        ({"APP_DATABASE__MAX_IDLE_CONNS": "30"}, "database.max_idle_conns"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(env: dict[str, str], named: str) -> None:
    assert named in refusal({"JWT_SECRET_KEY": SECRET, **env})


@pytest.mark.parametrize(
    "secret",
    ["", "short", "a" * 40, "abababababababababababababababababab", "your-super-secret-key" * 2],
)
def test_a_secret_that_can_be_guessed_is_refused_outside_demo_mode(secret: str) -> None:
    text = refusal({"JWT_SECRET_KEY": secret})
    assert "jwt.secret_key" in text
    assert "JWT_SECRET_KEY" in text
    assert not secret or secret not in text


def test_the_demo_makes_its_secret_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "var" / "secret"
    monkeypatch.setattr(config, "SECRET_FILE", file)
    first = load_settings(env={"APP_MODE": "demo"}, path=NOTHING).jwt.secret_key
    assert len(first) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_settings(env={"APP_MODE": "demo"}, path=NOTHING).jwt.secret_key == first
    assert list(file.parent.iterdir()) == [file]


def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var").write_text("a file is in the way", encoding="utf-8")
    monkeypatch.setattr(config, "SECRET_FILE", tmp_path / "var" / "secret")
    assert "set JWT_SECRET_KEY" in refusal({"APP_MODE": "demo"})


@pytest.mark.parametrize("text", ["log: [", "just words", "- a\n- b"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    assert str(file) in refusal(path=file)


def test_a_missing_file_is_named() -> None:
    assert "/nowhere.yaml" in refusal({"APP_CONFIG": "/nowhere.yaml"}, path=Path("/nowhere.yaml"))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://flow.example/", "https://flow.example"),
        ("http://[::1]:8080/w/", "http://[::1]:8080/w"),
        (" ", ""),
    ],
)
def test_the_address_that_people_open_has_no_slash_at_its_end(given: str, read: str) -> None:
    env = {"JWT_SECRET_KEY": SECRET, "APP_PUBLIC_URL": given}
    assert load_settings(env=env, path=NOTHING).public_url == read

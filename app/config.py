"""Settings: ``configs/config.yaml`` < environment < explicit overrides.

Every key with its unit is in ``configs/config.yaml``. In the environment a key is written
``APP_LOG__LEVEL``; ``DATABASE_URL``, ``REDIS_URL``, ``JWT_SECRET_KEY`` and ``PORT`` are
known by those names.
"""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app.config_values import Allowed, Duration, Network, PublicUrl, SigningSecret

ROOT: Final = Path(__file__).resolve().parents[1]
DEFAULT_FILE: Final = ROOT / "configs" / "config.yaml"
SECRET_FILE: Final = ROOT / "var" / "secret"
MIN_SECRET: Final = 32
"""Characters of a secret outside of demo mode."""
_PREFIX: Final = "APP_"
_NAMED: Final = {
    "DATABASE_URL": "database_url",
    "REDIS_URL": "redis_url",
    "JWT_SECRET_KEY": "jwt.secret_key",
    "PORT": "port",
}
_LISTS: Final = ("metrics.networks", "webhook.allow")
"""Keys whose value in the environment is a list, separated by commas."""
_HIDDEN: Final = ("secret", "url", "password")
_SHOWN: Final = ("public_url",)
_WEAK: Final = ("secret", "password", "changeme", "change-me", "your-", "example", "default")


class ConfigError(Exception):
    """The settings cannot be used; the text names the key and the remedy."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Log(_Part):
    """What is logged, and how."""

    level: Literal["debug", "info", "warn", "error"] = "info"
    format: Literal["json", "console"] = "json"
    output: str = "stdout"


class DatabasePool(_Part):
    """Connections to PostgreSQL, for each process."""

    max_open_conns: int = Field(default=20, ge=1, le=1000)
    max_idle_conns: int = Field(default=10, ge=1, le=1000)
    conn_max_lifetime: Duration = timedelta(minutes=10)


class Cache(_Part):
    """Short-lived answers."""

    default_expiration: Duration = timedelta(minutes=30)
    cleanup_interval: Duration = timedelta(minutes=5)
    enable_compression: bool = True


class Jwt(_Part):
    """Tokens of the REST API; the secret also signs the pages' sessions."""

    secret_key: str = ""
    expiration_time: Duration = timedelta(hours=24)
    refresh_time: Duration = timedelta(days=7)
    enable_blacklist: Literal[True] = True  # signing out always counts


class Metrics(_Part):
    """Who may read ``/metrics`` outside of demo mode."""

    token: str | None = None
    networks: tuple[Network, ...] = ()


class Webhook(_Part):
    """HTTP requests of steps."""

    allow: tuple[Allowed, ...] = ()
    secret: SigningSecret = ""


class Mail(_Part):
    """The mail server of ``email`` steps."""

    host: str = ""
    port: int = Field(default=587, ge=1, le=65535)
    user: str = ""
    password: str = ""
    starttls: bool = True
    sender: str = ""


class MessageQueue(_Part):
    """The broker of ``message_queue`` steps."""

    url: str = ""


class Settings(BaseSettings):
    """Everything that can be configured. Made by ``load_settings``."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    mode: Literal["demo", "production"] = "production"
    host: str = "0.0.0.0"  # noqa: S104 - a server in a container answers its network
    port: int = Field(default=8080, ge=1, le=65535)
    public_url: PublicUrl = ""
    database_url: str = ""
    redis_url: str = ""
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    web_workers: int = Field(default=2, ge=1, le=64)
    web_threads: int = Field(default=8, ge=1, le=256)
    worker_concurrency: int = Field(default=8, ge=1, le=256)
    worker_lease: Duration = timedelta(seconds=30)
    worker_late_after: Duration = timedelta(seconds=60)
    log: Log = Log()
    database: DatabasePool = DatabasePool()
    cache: Cache = Cache()
    jwt: Jwt = Jwt()
    metrics: Metrics = Metrics()
    connectors: str = ""
    webhook: Webhook = Webhook()
    mail: Mail = Mail()
    message_queue: MessageQueue = MessageQueue()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what ``load_settings`` has merged: it can say where each value is from."""
        return (init_settings,)


def load_settings(
    overrides: Mapping[str, Any] | None = None,
    env: Mapping[str, str] = os.environ,
    path: Path | None = None,
) -> Settings:
    """Read the settings.

    Args:
        overrides: by dotted key (``{"log.level": "debug"}``); they win.
        env: the environment.
        path: the YAML file; default ``configs/config.yaml``, or ``$APP_CONFIG``.

    Raises:
        ConfigError: an unknown key, a value that cannot be, a missing or weak secret.
    """
    path = path or (Path(env["APP_CONFIG"]) if env.get("APP_CONFIG") else DEFAULT_FILE)
    merged: dict[str, Any] = {}
    for key, value in (
        *_from_file(path),
        *_from_environment(env),
        *(overrides or {}).items(),
    ):
        _put(merged, key, value)
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        raise ConfigError(_explained(error)) from None
    if settings.database.max_idle_conns > settings.database.max_open_conns:
        raise ConfigError(
            "database.max_idle_conns is above database.max_open_conns;"
            " lower the one or raise the other."
        )
    if settings.mail.host and "@" not in settings.mail.sender:
        raise ConfigError(
            "mail.sender is missing; set it to the address that mails come from, such as"
            " workflow@example.com."
        )
    return _with_secret(settings)


def _from_file(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path == DEFAULT_FILE:
            return
        raise ConfigError(f"There is no {path}; correct APP_CONFIG.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}); correct APP_CONFIG.") from None
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        place = " ".join(str(error).split())
        raise ConfigError(f"{path} is not valid YAML, correct it: {place}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold keys and values.")
    yield from _flat(content)


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _from_environment(env: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in env.items():
        if name.startswith(_PREFIX) and name != "APP_CONFIG" and value != "":
            key = name[len(_PREFIX) :].lower().replace("__", ".")
            yield key, value.split(",") if key in _LISTS else value
        elif name in _NAMED and value != "":
            yield _NAMED[name], value


def _put(merged: dict[str, Any], dotted: str, value: Any) -> None:
    _check_known(dotted)
    *parts, last = dotted.split(".")
    inner = merged
    for part in parts:
        inner = inner.setdefault(part, {})
    inner[last] = value


def _known() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner in field.annotation.model_fields:
                found[f"{name}.{inner}"] = None
        else:
            found[name] = None
    return found


def _check_known(dotted: str) -> None:
    known = _known()
    if dotted in known:
        return
    near = difflib.get_close_matches(dotted, known, 1, 0.5)
    hint = f" Did you mean {near[0]}?" if near else f" Known keys: {', '.join(known)}."
    raise ConfigError(f"There is no setting {dotted}.{hint}")


def _explained(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=True)[0]
    key = ".".join(str(part) for part in first["loc"])
    hidden = key not in _SHOWN and any(word in key for word in _HIDDEN)
    shown = "" if hidden else f" ({first['input']!r})"
    return f"The setting {key}{shown} cannot be used: {first['msg'].removeprefix('Value error, ')}."


def _with_secret(settings: Settings) -> Settings:
    secret = settings.jwt.secret_key
    if settings.mode == "demo":
        if secret:
            return settings
        try:
            kept = _kept_secret(SECRET_FILE)
        except OSError as error:
            raise ConfigError(
                f"The demo's secret cannot be kept in {SECRET_FILE} ({error.strerror}). "
                "Make the directory writable, or set JWT_SECRET_KEY."
            ) from None
        jwt = settings.jwt.model_copy(update={"secret_key": kept})
        return settings.model_copy(update={"jwt": jwt})
    remedy = (
        "Set JWT_SECRET_KEY to at least 32 random characters; `openssl rand -base64 48` makes some."
    )
    if not secret:
        raise ConfigError(f"jwt.secret_key is missing. {remedy}")
    if len(secret) < MIN_SECRET or len(set(secret)) < 10:
        raise ConfigError(f"jwt.secret_key is too weak ({len(secret)} characters). {remedy}")
    if any(word in secret.casefold() for word in _WEAK):
        raise ConfigError(f"jwt.secret_key looks like a placeholder. {remedy}")
    return settings


def _kept_secret(path: Path) -> str:
    """Return the demo's secret, made once, so that sign-ins outlive a restart.

    Processes that start together agree on one: only a whole file is ever linked in place.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    kept = path.read_text(encoding="ascii").strip()
    if len(kept) < MIN_SECRET:
        raise ConfigError(f"{path} holds no usable secret; delete it and start again.")
    return kept

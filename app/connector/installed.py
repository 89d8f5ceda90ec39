"""Connectors from outside: installed packages, and a folder of files."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from app.config import ConfigError
from app.connector.registry import Registry

GROUP: Final = "workflow_engine.connectors"
"""Entry points of packages: each is a function ``install(registry)``."""


def install_packages(registry: Registry) -> None:
    """Let every installed package add its connectors.

    Raises:
        ConfigError: one cannot be loaded; the message names it.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        where = f"the connector {point.name} ({point.value})"
        _install(registry, where, point.load)


def install_folder(registry: Registry, folder: Path) -> None:
    """Let every ``*.py`` of a folder add its connectors; names that begin with ``_`` are not read.

    Raises:
        ConfigError: the folder or a file cannot be used; the message names it.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}; correct the setting connectors.")
    for path in _files(folder):
        _install(registry, str(path), lambda path=path: _loaded(path).install)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_"))


def _loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"connectors_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _install(registry: Registry, where: str, load: Any) -> None:
    try:
        load()(registry)
    except Exception as error:  # somebody else's code may raise anything
        raise ConfigError(
            f"{where} cannot be used ({type(error).__name__}: {error}). Correct it or take it"
            " away: a process without it would turn its steps into incidents."
        ) from error

"""The application on the small office, or on the demo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.adapters import sign_in_limit
from app.cli.demo import load_demo
from app.config import Settings, load_settings
from app.db.tx import Database
from app.factory import create_app, make_engine
from app.identity.queries import display_names
from app.identity.service import authenticate
from tests.support.office import NOW, Office, make_office
from tests.support.rest import Clock, Rest

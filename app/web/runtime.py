"""Pages of the module runtime."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("runtime", __name__)

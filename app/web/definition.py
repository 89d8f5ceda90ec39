"""Pages of the module definition."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("definition", __name__)

"""The application for any WSGI server: ``wsgi:app``."""

import sys

from app.config import ConfigError
from app.factory import create_app

try:
    app = create_app()
except ConfigError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(3)  # by which gunicorn knows that it is no use to try again

"""``python -m app.cli``: the same as ``workflow-engine``."""

from app.cli import main

main()

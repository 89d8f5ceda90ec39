"""The command line. Parse, call one use case, say what happened. No rules.

The launcher (``run``) starts what the engine is made of and stops it again.
"""

from app.cli.commands import main

__all__ = ["main"]

"""The Redis of this checkout: its data in ``var/redis``, reached by a unix socket."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.cli import places
from app.cli.process import Child
from app.cli.say import Refused
from app.cli.unprivileged import Account

DATA: Final = places.VAR / "redis"
LOG: Final = places.LOGS / "redis.log"
_SECONDS: Final = 30.0


class Redis:
    """Makes the process.

    Args:
        program: the server.
        lock: file descriptor that is inherited.
    """

    def __init__(self, account: Account, program: Path, *, lock: int) -> None:
        account.own(places.make(DATA))
        self._socket = places.socket_folder("redis", account.uid, account.gid) / "redis.sock"
        self.child = Child(
            "Redis",
            [
                *account.prefix,
                program,
                *("--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700"),
                *("--dir", DATA, "--save", "60", "1", "--daemonize", "no"),
            ],
            log=LOG,
            env={"PATH": os.defpath},
            keep=[lock],
        )

    @property
    def url(self) -> str:
        """Its address."""
        return f"unix://{quote(str(self._socket), safe='/')}"

    def wait(self) -> None:
        """Return when it answers.

        Raises:
            Refused: it ended instead.
        """
        deadline = time.monotonic() + _SECONDS
        while not self._answers():
            if self.child.ended() is not None or time.monotonic() > deadline:
                raise Refused(
                    f"Redis cannot start on {places.shown(DATA)} ({self.child.last_words()});"
                    f" remove that directory, which holds nothing that is needed: rm -r {DATA},"
                    " or set REDIS_URL."
                )
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(self._socket))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        return False

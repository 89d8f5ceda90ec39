"""The user that the servers run as: PostgreSQL refuses to be root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.cli import places
from app.cli.say import Refused
from app.config import ROOT

NOBODY: Final = "nobody"
# Only root may enter some directories, such as /root: then the servers are given the right
# to enter, which changes nothing about whose their processes and files are. Containers
# often grant the second only. Without the secure bit, access(2) would not see the right.
_RIGHTS: Final = ("dac_read_search", "dac_override")


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs a server.

    Args:
        prefix: what stands before a command, so that this user runs it.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def own(self, folder: Path) -> None:
        """Give a directory of ours, with all that is in it, to this user."""
        if os.geteuid() == 0 and folder.lstat().st_uid != self.uid:
            for each in (folder, *folder.rglob("*")):
                os.chown(each, self.uid, self.gid, follow_symlinks=False)


def account(name: str, data: Path, program: Path, instead: str) -> Account:
    """Choose who runs a server.

    That is this process's own user; or, if that is root, the owner of the data, or
    ``nobody`` for new data.

    Args:
        name: of the server.
        data: directory of the data; it may not exist yet.
        program: what must be readable for the user.
        instead: the setting that makes this server unnecessary.

    Raises:
        Refused: nobody could run it here.
    """
    uid, gid = os.geteuid(), os.getegid()
    owner = data.stat().st_uid if data.exists() else None
    if uid != 0:
        if owner not in (None, uid):
            raise Refused(
                f"{places.shown(data)} belongs to {places.user(owner)}; start as that user, or"
                f" move it away to begin with new data: mv {data} {data}.old"
            )
        return Account(uid, gid)
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam(NOBODY)
    except KeyError:
        raise Refused(
            f"{name} does not run as root and there is no user {owner or NOBODY} to run it as;"
            f" create that user, start as another one, or set {instead}."
        ) from None
    prefix = _prefix(entry, program)
    if prefix is None:
        raise Refused(
            f"{name} runs as {entry.pw_name}, who may not enter {ROOT}; use a clone in a"
            f" directory that is open to everybody such as /srv, or set {instead}."
        )
    return Account(entry.pw_uid, entry.pw_gid, prefix)


def _prefix(entry: pwd.struct_passwd, program: Path) -> tuple[str, ...] | None:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Refused(
            "Started as root, setpriv is needed to run servers as another user; install"
            " util-linux, or start as another user."
        )
    drop = (
        setpriv,
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    )
    ways = [drop] + [
        (*drop, "--securebits=+no_setuid_fixup", f"--inh-caps=+{r}", f"--ambient-caps=+{r}")
        for r in _RIGHTS
    ]
    for way in ways:
        if _can_enter(way, program):
            return (*way, "--")
    return None


def _can_enter(way: tuple[str, ...], program: Path) -> bool:
    look = ("/bin/sh", "-c", 'cd "$0" && test -x "$1"', places.RUN, program)
    tried = subprocess.run(  # noqa: S603 - the launcher's own command
        [*way, "--", *look], capture_output=True, check=False
    )
    return tried.returncode == 0

"""The supervisor alone, in a process of its own: how long it waits, and how it ends things."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fault.plant import STARTS

pytestmark = pytest.mark.fault

# Time is moved by hand; the process that is watched ends at once with status 3.
DELAYS = """
import json, os, sys
from pathlib import Path
from app.cli.process import Child
from app.cli.supervise import Supervisor

at = 0.0
supervisor = Supervisor(monotonic=lambda: at)
child = Child("thing", ["/bin/sh", "-c", "echo why >&2; exit 3"],
              log=Path(sys.argv[1]), env={})
supervisor.start(child, stage=0, seconds=1)
delays = []
for lives in [0, 0, 0, 0, 0, 0, 0, 0, 61]:
    at += lives
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    pid = child.pid
    supervisor.look()
    delay = 0.0
    while child.pid == pid:
        delay += 0.25
        at += 0.25
        supervisor.look()
    delays.append(delay)
supervisor.stop()
print(json.dumps(delays))
"""

# One that does not listen, with a grandchild that leaves its session and one that stays.
STUBBORN = """
import os, sys
from pathlib import Path
from app.cli.process import Child
from app.cli.supervise import Supervisor

script = "trap '' TERM INT; setsid sleep 300 & sleep 300 & echo up; while :; do wait; done"
supervisor = Supervisor()
log = Path(sys.argv[1])
supervisor.start(Child("deaf", ["/bin/sh", "-c", script], log=log, env={"PATH": os.defpath}),
                 stage=1, seconds=0.2)
while "up" not in log.read_text():
    pass
supervisor.stop()
try:
    os.waitpid(-1, os.WNOHANG)
    print("left behind")
except ChildProcessError:
    print("alone")
"""


def outcome(script: str, log: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(log)],
        capture_output=True,
        text=True,
        timeout=STARTS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_pause_doubles_and_is_forgiven_after_a_minute_of_life(tmp_path: Path) -> None:
    *said, delays = outcome(DELAYS, tmp_path / "thing.log")
    assert json.loads(delays) == [0.5, 1, 2, 4, 8, 16, 30, 30, 0.5]
    assert "thing died (exit status 3) «why»; it is started again in 0.5 s" in said[0]
    assert "thing is started again (process" in said[1]


def test_what_does_not_end_is_killed_with_all_that_it_left_behind(tmp_path: Path) -> None:
    said = outcome(STUBBORN, tmp_path / "deaf.log")
    assert "deaf did not end in 0.2 s and is killed." in said[0]
    assert said[-1] == "alone"

"""
Starts the tortured bot by forking: ``python torture_zygote.py``.

Each bot is a process of its own from the first line of its command on, and dies like one; but what
`bt-run live` imports is imported once, not at each of a hundred starts. It reads orders as lines of JSON from
its standard input, answers each with a line, and ends with its input.
"""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from importlib import import_module
from typing import Any

from bt_run.cli.main import main

PRELOADED = (
    "bt_run.cli.live", "bt_run.run.live.run", "rich.live", "rich.table", "sqlalchemy.dialects.sqlite",
    "pyarrow.csv",
)  # fmt: skip


def serve() -> list[str] | None:
    """Obey until the input ends: None. In each process that it forks it returns the command's words."""
    for line in sys.stdin:
        told = json.loads(line)
        if "words" not in told:
            answer(_code_of(told["pid"]))
            continue
        pid = os.fork()
        if not pid:
            _become(told)
            return list(told["words"])
        answer(pid)
    return None


def answer(value: int | None) -> None:
    """Write a line."""
    print(json.dumps(value), flush=True)  # noqa: T201 - to who started us


def _code_of(pid: int) -> int | None:
    """Give how a process ended, as subprocess does; None while it runs."""
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def _become(told: dict[str, Any]) -> None:
    """Stand where a process of its own would begin."""
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(told["log"], os.O_WRONLY | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)
    faulthandler.enable()


if __name__ == "__main__":
    for name in PRELOADED:
        import_module(name)
    words = serve()
    if words is not None:
        main(words)

"""A process of our own interpreter that is told over standard input what to do, and answers with a line."""

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

__all__ = ["end_child", "greet_child", "start_child", "told_by_parent"]


def start_child(module: str) -> subprocess.Popen[bytes]:
    """Start ``main()`` of a module of ours."""
    # -P: the current folder must not hide a module. A group of its own: Ctrl-C is for the parent alone.
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-P", "-c", f"from {module} import main; main()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def greet_child(process: subprocess.Popen[bytes], told: Any, *, limit_s: float) -> bytes:
    """Tell it what to do and give its line; empty where it died, or said nothing in time and was killed."""
    into, out = process.stdin, process.stdout
    if into is None or out is None:
        raise AssertionError
    with suppress(BrokenPipeError):
        into.write(base64.b64encode(pickle.dumps(told)) + b"\n")
        into.flush()
    impatience = threading.Timer(limit_s, process.kill)
    impatience.start()
    try:
        return out.readline()
    finally:
        impatience.cancel()


def end_child(process: subprocess.Popen[bytes], *, limit_s: float) -> None:
    """Close what it is told over, which ends it; kill it where it has not ended in time."""
    with suppress(OSError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def told_by_parent() -> Any:
    """Read in the child what `greet_child` told."""
    return pickle.loads(base64.b64decode(sys.stdin.buffer.readline()))  # noqa: S301  # our parent's

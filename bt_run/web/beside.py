"""
The desk beside a bot: a child process that lives as long as the run that wants it.

A process and not a thread, so that no browser, however many, slow or dead, and no indicator over a hundred
thousand bars takes the interpreter's lock from the thread that trades. The desk reads the journal that the bot
writes, gives its words through that journal, and has a stream of its own. It gets its plan over its standard
input and ends when that is closed, which also happens when the bot is killed.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import BtRunError, ConfigError
from bt_run.run.child import end_child, greet_child, start_child, told_by_parent

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType
    from typing import Self

    from bt_run.core.venue import Venue

__all__ = ["BesidePlan", "DeskBeside", "main"]

_HOST = "127.0.0.1"
_START_S = 60.0
_STOP_S = 0.5
_NICER = 5
"""So much lower is its priority: where the bot wants the processor, the page waits."""


@dataclass(frozen=True, slots=True)
class BesidePlan:
    """
    What the desk shows; `note` stands wherever prices are.

    `port` 0 takes any that is free; `opens`: in a browser too.
    """

    venue: Venue
    journal: str
    symbols: tuple[str, ...]
    interval: str
    note: str = ""
    port: int = 8765
    opens: bool = False


class DeskBeside:
    """
    The desk, from entering ``with`` until leaving it; `url` has the token that lets in.

    Raises:
        ConfigError: it cannot listen on its port, or did not start.
    """

    def __init__(self, plan: BesidePlan) -> None:
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._process = start_child(__name__)
        try:
            self._greet(self._process)
        except BaseException:
            self.close()
            raise
        return self

    @property
    def pid(self) -> int | None:
        """Give its process; None before the start and after the end."""
        return None if self._process is None else self._process.pid

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        line = greet_child(process, self._plan, limit_s=_START_S)
        if not line:
            raise ConfigError("The web desk did not start. Run bt-run web --journal beside the bot to see why.")
        told: dict[str, str] = json.loads(line)
        if "error" in told:
            raise ConfigError(told["error"])
        self.url = told["url"]

    def close(self) -> None:
        """End it within half a second; a second time it does nothing."""
        process, self._process = self._process, None
        if process is not None:
            # A dead browser may hold it up; what it has kept is in the journal already.
            end_child(process, limit_s=_STOP_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# In the child.


def main() -> None:
    """Serve the desk whose plan comes on standard input, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    plan: BesidePlan = told_by_parent()
    if hasattr(os, "nice"):
        os.nice(_NICER)
    threading.Thread(target=_end_with_the_bot, daemon=True).start()
    try:
        _serve(plan)
    except BtRunError as error:
        _say({"error": str(error)})


def _serve(plan: BesidePlan) -> None:
    from bt_run.web.access import Access  # noqa: PLC0415  # the parent has no need of the desk
    from bt_run.web.app import make_app  # noqa: PLC0415
    from bt_run.web.serve import bind, hosts_of, serve  # noqa: PLC0415
    from bt_run.web.session_file import SessionFile, default_session_file  # noqa: PLC0415
    from bt_run.web.state import Desk  # noqa: PLC0415

    with bind(_HOST, plan.port, option="--web-port") as listening:
        token, port = secrets.token_urlsafe(32), listening.getsockname()[1]
        desk = Desk(
            plan.venue,
            Access(token, kept=SessionFile(default_session_file())),
            note=plan.note,
            symbols=plan.symbols,
            interval=plan.interval,
            journal=plan.journal,
        )
        desk.market.start()
        url = f"http://{_HOST}:{port}/?token={token}"
        app = make_app(desk, hosts=hosts_of(_HOST, port))
        serve(app, listening, url=url, opens=plan.opens, ready=lambda: _say({"url": url}))


def _end_with_the_bot() -> None:
    """Wait in a thread until the bot closes the pipe, or is dead."""
    while sys.stdin.buffer.read(4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()

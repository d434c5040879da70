"""A live run as what Telegram asks: answers from its last snapshot, orders through its journal's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bt_run.core.errors import ConfigError
from bt_run.run.alerting.control.replies import orders_text, position_text, profit_text, status_text
from bt_run.run.verbs import tell_bot

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.run.live.status import LiveSnapshot
    from bt_run.run.verbs import Verb

__all__ = ["LiveControlled"]

_TEXTS: dict[str, Callable[[LiveSnapshot], str]] = {
    "status": status_text,
    "position": position_text,
    "orders": orders_text,
    "profit": profit_text,
}


class LiveControlled:
    """
    Implements `Controlled`; called in threads of the control.

    Args:
        journal: The run's journal, a file's name or a URL.
        snapshot: Gives the run's last state, None before the first.
        daily: Gives what today has brought.
        chart: Gives the picture of a symbol, empty for the first.
    """

    def __init__(
        self,
        journal: str,
        *,
        snapshot: Callable[[], LiveSnapshot | None],
        daily: Callable[[], str],
        chart: Callable[[str], bytes],
    ) -> None:
        self._journal = journal
        self._snapshot = snapshot
        self._daily = daily
        self._chart = chart

    def answer(self, action: str, argument: str) -> tuple[str, bytes | None]:
        """
        Do what a command wants, and give what to say.

        Raises:
            BtRunError: it could not be done; says why.
        """
        if action in ("pause", "resume", "panic"):
            answers = tell_bot(self._journal, cast("Verb", action), waits_for_end=False)
            return "\n".join(answers), None
        if action == "daily":
            return self._daily(), None
        told = self._snapshot()
        if told is None:
            raise ConfigError("The run has only just begun. Ask again in a moment.")
        if action == "chart":
            symbol = _symbol(told, argument)
            return symbol, self._chart(symbol)
        return _TEXTS[action](told), None


def _symbol(told: LiveSnapshot, wanted: str) -> str:
    known = [view.symbol for view in told.symbols]
    symbol = wanted.upper() or known[0]
    if symbol not in known:
        raise ConfigError(f"The run does not trade {symbol}. It trades {', '.join(known)}.")
    return symbol

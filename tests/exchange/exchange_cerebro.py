"""A Cerebro that runs beside the test, over live feeds of a loopback exchange, and writes down what it sees."""

from __future__ import annotations

import threading
from typing import Any

import backtrader as bt

from bt_run.core.market import BAR_COLUMNS
from bt_run.core.stream_policy import StreamPolicy

_EPOCH_DAY = 719_163
QUICK = StreamPolicy(
    floor_s=0.01, longest_s=0.05, healthy_s=5.0, stale_s=5.0, overlap_s=0.05, open_s=2.0, close_s=0.1
)


class Recorder(bt.Strategy):  # type: ignore[misc]
    """Write down each bar as a row of `BAR_COLUMNS`, whether it is live, and each notification, in order."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []
        self.lives: list[bool] = []
        self.told: list[Any] = []
        self.env.recorder = self

    def notify_data(self, data: Any, status: int, *args: Any, **kwargs: Any) -> None:
        self.told.append(data._getstatusname(status))

    def next(self) -> None:
        feed = self.data
        opened = round((feed.datetime[0] - _EPOCH_DAY) * 86_400_000)
        self.rows.append((opened, *(getattr(feed, name)[0] for name in BAR_COLUMNS[1:])))
        self.lives.append(feed.last_is_live)
        self.told.append(len(self))


class Running:
    """A Cerebro in a thread of its own, over feeds of one hub."""

    def __init__(
        self, *feeds: Any, strategy: Any = Recorder, run: dict[str, Any] | None = None, **options: Any
    ) -> None:
        self.feeds = feeds
        self.cerebro = bt.Cerebro(stdstats=False)
        for feed in feeds:
            self.cerebro.adddata(feed)
        self.cerebro.addstrategy(strategy, **options)
        self.error: BaseException | None = None
        self.strategies: list[Any] = []
        self._options = run or {}
        self._thread = threading.Thread(target=self._run, name="cerebro", daemon=True)

    @property
    def recorder(self) -> Any:
        return self.cerebro.recorder

    @property
    def count(self) -> int:
        """Give how many bars the strategy has seen; an error of the run is raised here."""
        if self.error is not None:
            raise self.error
        return len(self.recorder.rows) if hasattr(self.cerebro, "recorder") else 0

    def start(self) -> Running:
        self._thread.start()
        return self

    def finish(self) -> None:
        """End the feeds and wait for Cerebro's end."""
        for feed in self.feeds:
            feed.finish()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def join(self, limit_s: float = 20.0) -> None:
        self._thread.join(limit_s)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.strategies = self.cerebro.run(**self._options)
        except BaseException as error:  # noqa: BLE001
            self.error = error

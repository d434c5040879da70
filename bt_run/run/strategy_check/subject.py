"""What is checked, and the attempts made with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.clock import iso_utc
from bt_run.core.errors import BtRunError, StrategyError
from bt_run.core.market import BAR_COLUMNS, Bars
from strategies.base import SignalStrategy
from strategies.loader import user_traceback

if TYPE_CHECKING:
    from bt_run.core.market import BarFile
    from bt_run.core.settings import BacktestSettings
    from strategies.loader import LoadedStrategy

    Arrays = dict[str, np.ndarray[Any, Any]]

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A strategy, the bars that it is checked on, and the account of the runs; `history` is that of live."""

    strategy: LoadedStrategy
    data: BarFile
    settings: BacktestSettings
    history: int

    @property
    def has_signals(self) -> bool:
        """Whether it gives signals as arrays, so that these can be compared."""
        return issubclass(self.strategy.cls, SignalStrategy)

    @property
    def acts_by_hand(self) -> bool:
        """Whether it has a `next` of its own, so that signals do not tell what it orders."""
        return not self.has_signals or self.strategy.cls.next is not SignalStrategy.next

    def last(self, bars: int) -> Subject:
        """Give the same subject on at most so many bars, the last ones."""
        data = self.data
        return dataclasses.replace(self, data=dataclasses.replace(data, bars=data.bars[-bars:]))

    def arrays(self, bars: Bars, **params: Any) -> Arrays:
        """
        Compute the signals of some bars, which are a copy: the strategy may do with them what it likes.

        Raises StrategyError: what the strategy raised, with its traceback, or returned.
        """
        copied = Bars(*(getattr(bars, name).copy() for name in BAR_COLUMNS))
        return self.arrays_of(copied, **params)

    def arrays_of(self, bars: Bars, **params: Any) -> Arrays:
        """Compute the signals of these very bars. Raises as `arrays`."""
        strategy = self.strategy
        try:
            found = strategy.cls.compute(bars, **{**strategy.params, **params})
            return {name: np.array(array) for name, array in found.arrays()}
        except BtRunError:
            raise
        except (Exception, SystemExit) as error:
            story = user_traceback(error, strategy.source)
            if not story:
                raise
            raise StrategyError(f"{type(error).__name__}: {error}", story=story) from error

    def when(self, bar: int) -> str:
        """Name a bar by its position and its time."""
        return f"bar {bar} ({iso_utc(int(self.data.bars.open_time[bar]))})"

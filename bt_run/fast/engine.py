"""
The fast engine: a strategy of signals over arrays, with Backtrader's numbers.

The strategy's `signals` are computed once, as in every engine; what Backtrader would make of them is worked by
`bt_run.fast.kernel`. ``docs/design/fast-engine.md`` says how it is held to be the same.
"""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bt_run.core.errors import BtRunError, StrategyError
from bt_run.core.results import Outcome
from bt_run.core.settings import BacktestSettings
from bt_run.fast.books import curve_of, fills_of, rejected_of
from bt_run.fast.compiled import compiled
from bt_run.fast.decisions import decisions_of
from bt_run.fast.kernel import Prices, simulate
from bt_run.fast.steps import BASE, PERCENT, QUOTE, Terms
from strategies.base import SignalStrategy, decision_codes
from strategies.levels import Levels, levels_of
from strategies.loader import user_traceback

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import BarFile, Bars, FloatArray
    from strategies.base import Signals
    from strategies.loader import LoadedStrategy

T = TypeVar("T")

__all__ = ["compute_levels", "compute_signals", "prepare", "run_fast", "terms_of", "why_not_fast"]

WORTH_COMPILED = 100_000
"""Bars above which the compiled kernel repays the 0.3 s that numba needs to start."""

_STAKE_KINDS = {"base": BASE, "quote": QUOTE, "percent": PERCENT}
_MAY_DIFFER = frozenset({"signals", "find_conflict", "remark"})


def why_not_fast(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings) -> str | None:
    """
    Say why a run is not for this engine, in a sentence without its full stop; None where it is.

    It takes classes that derive from `strategies.base.SignalStrategy` and leave to it everything but `signals`,
    `find_conflict` and `remark`: what else they do, only Backtrader can run.
    """
    cls = strategy.cls
    if not issubclass(cls, SignalStrategy):
        return f"{cls.__name__} is not a SignalStrategy, so its orders are not known beforehand"
    changed = _overridden(cls)
    if changed:
        return f"{cls.__name__} has its own {' and '.join(changed)}, which only Backtrader calls"
    return None


def run_fast(
    strategy: LoadedStrategy,
    data: BarFile,
    settings: BacktestSettings,
    *,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """
    Run a strategy for which `why_not_fast` gives None.

    Fills, refused orders, cash, holding and equity at every bar are the floats of the Backtrader engine.
    `progress` is called once, at the end.

    Raises:
        StrategyError: `signals` raised, or returned what does not fit; with its traceback.
        ParamError: a parameter is wrong.
    """
    bars = data.bars
    found = compute_signals(strategy, bars)
    events = _simulate(bars, found, settings)
    if progress is not None:
        progress(len(bars))
    return Outcome(
        curve=curve_of(events, bars.close, settings.cash),
        fills=fills_of(events, bars, settings.commission),
        rejected=rejected_of(events, bars),
        panels=dict(found.panels),
        overlays=dict(found.overlays),
    )


def prepare() -> None:
    """Load numba and the kernel's machine code for the first long run; compile it where that was never done."""
    price = np.ones(1)
    decisions = decisions_of(np.zeros(1, dtype=np.uint8), is_compiled=True)
    compiled(simulate)(Prices(price, price, price, price), decisions, 1.0, terms_of(BacktestSettings()))


def compute_signals(strategy: LoadedStrategy, bars: Bars) -> Signals:
    """
    Compute and check the signals of a strategy.

    Raises:
        StrategyError: `signals` raised; the story is its traceback.
        ParamError: a parameter is wrong.
    """
    cls: type[SignalStrategy] = strategy.cls
    return _told_by(strategy, lambda: cls.compute(bars, **strategy.params))


def compute_levels(strategy: LoadedStrategy, bars: Bars) -> Levels:
    """
    Compute the levels that the signals of a strategy are made from; `levels_of` its class is not None.

    Raises:
        StrategyError: it raised, or the curve does not fit the bars.
        ParamError: a parameter is wrong.
    """
    cls: type[SignalStrategy] = strategy.cls
    function = levels_of(cls)
    if function is None:
        raise TypeError(f"the signals of {cls.__name__} are not made from levels")
    found = _told_by(strategy, lambda: function(bars, cls.check_params(strategy.params)))
    if not isinstance(found, Levels) or found.curve.shape != (len(bars),):
        raise StrategyError(
            f"{cls.__name__}.signals must return Levels(...) with a curve that has one value a bar."
        )
    return found


def _told_by(strategy: LoadedStrategy, ask: Callable[[], T]) -> T:
    """Ask a strategy; turns what it raises into a StrategyError."""
    try:
        return ask()
    except BtRunError:
        raise
    except (Exception, SystemExit) as error:  # a strategy that calls sys.exit() has failed as well
        story = user_traceback(error, strategy.source)
        if not story:
            raise
        raise StrategyError(
            f"{strategy.name} raised {type(error).__name__} in its signals. "
            f"The traceback above ends where it happened.",
            story=story,
        ) from error


def terms_of(settings: BacktestSettings) -> Terms:
    """Put the settings into the numbers that the kernel takes."""
    step, guard = settings.lot_step, settings.protection
    return Terms(
        commission=float(settings.commission),
        slippage=float(settings.slippage),
        stake_kind=_STAKE_KINDS[settings.stake.kind],
        stake=float(settings.stake.amount),
        lot_step=float(step),
        lots_per_unit=float(round(1.0 / step)) if step < 1.0 else 0.0,
        stop=(guard.stop_loss_pct or 0.0) / 100,
        target=(guard.take_profit_pct or 0.0) / 100,
        trail=(guard.trailing_stop_pct or 0.0) / 100,
    )


def _simulate(bars: Bars, found: Signals, settings: BacktestSettings) -> FloatArray:
    codes = decision_codes(found, allow_short=settings.allow_short)
    columns = (bars.open, bars.high, bars.low, bars.close)
    cash, terms = float(settings.cash), terms_of(settings)
    is_compiled = len(bars) > WORTH_COMPILED
    decisions = decisions_of(codes, is_compiled=is_compiled)
    if is_compiled:
        events: FloatArray = compiled(simulate)(Prices(*columns), decisions, cash, terms)
        return events
    return simulate(Prices(*(column.tolist() for column in columns)), decisions, cash, terms)


def _overridden(cls: type[Any]) -> list[str]:
    """List the methods and properties of SignalStrategy, and of all it derives from, that a class replaces."""
    found = []
    for name in dir(SignalStrategy):
        own, ours = _static(cls, name), _static(SignalStrategy, name)
        if own is not ours and name not in _MAY_DIFFER and isinstance(own, _METHODS):
            found.append(name)
    return found


_METHODS = (FunctionType, staticmethod, classmethod, property)


def _static(cls: type[Any], name: str) -> Any:
    return next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)

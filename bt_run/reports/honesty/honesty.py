"""All tests of a search, or of a single run, at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.reports.honesty.bootstrap import bootstrap_intervals
from bt_run.reports.honesty.overfitting import measure_overfitting
from bt_run.reports.honesty.sharpe_test import (
    deflated_sharpe,
    expected_best_sharpe,
    independent_trials,
    moments_of,
    needed_periods,
    probabilistic_sharpe,
)
from bt_run.reports.honesty.trade_order import shuffle_trades, trade_returns
from bt_run.reports.honesty.verdict import Evidence, judge, reasons_of
from bt_run.reports.returns import period_returns, periods_per_year, sharpe

if TYPE_CHECKING:
    from bt_run.core.market import BarFile, FloatArray
    from bt_run.core.results import RunResult
    from bt_run.reports.honesty.bootstrap import BootstrapIntervals
    from bt_run.reports.honesty.overfitting import Overfitting
    from bt_run.reports.honesty.sharpe_test import Moments
    from bt_run.reports.honesty.trade_order import TradeOrder
    from bt_run.reports.honesty.verdict import Verdict

__all__ = ["HonestyReport", "SweepFacts", "facts_of_run", "honesty_of", "honesty_to_dict", "market_sharpe_of"]


@dataclass(frozen=True, slots=True, eq=False)
class SweepFacts:
    """
    What a search must tell to be judged.

    `trials` >= 1: every combination that was run, also those that failed or never traded. `sharpes`: the annual
    Sharpe ratios of all of them, shape (m,), m <= trials, NaN where undefined. `daily`: simple returns a day of
    some hundred of them, shape (days, k), taken evenly and not by their result; k = 0 where none were kept.
    `best_daily`: those of the best, shape (days,). `best_profits`: its closed trades' profits after fees, in
    quote currency, oldest first. `periods`: how many returns make a year. `cash`: at the start.
    `market_sharpe`: the annual Sharpe ratio of buy and hold on the same days, None where undefined.
    """

    trials: int
    sharpes: FloatArray
    daily: FloatArray
    best_daily: FloatArray
    best_profits: FloatArray
    periods: float
    cash: float
    market_sharpe: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HonestyReport:
    """
    How much of the best result is luck.

    Sharpe ratios are annual; probabilities lie in [0, 1]; None is what the data does not define.
    `probabilistic` takes the best as if it were the only try, `deflated` as the best of `trials`,
    `deflated_independent` as the best of `independent` ones, which is what correlated tries are worth.
    `luck_sharpe` is what the best of `trials` would show without any skill. `above_market` is the probability
    that the true Sharpe ratio, as a single try, is above `market_sharpe`. `sentences` are for people, the
    answer first.
    """

    trials: int
    days: int
    sharpe: float | None
    luck_sharpe: float | None
    probabilistic: float | None
    deflated: float | None
    independent: float
    deflated_independent: float | None
    needed_days: float | None
    market_sharpe: float | None
    above_market: float | None
    overfitting: Overfitting | None
    bootstrap: BootstrapIntervals | None
    trade_order: TradeOrder | None
    verdict: Verdict
    sentences: tuple[str, ...]


def honesty_of(facts: SweepFacts, *, resamples: int = 2_000, seed: int = 1) -> HonestyReport:
    """
    Judge the best result of a search.

    Args:
        facts: What was tried and what the best one did.
        resamples: Of the bootstrap, and orders of the trades, >= 1.
        seed: The same facts and seed give the same report.
    """
    year = math.sqrt(facts.periods)
    moments = moments_of(facts.best_daily)
    variance = _variance(facts.sharpes / year)
    independent = independent_trials(facts.daily, trials=facts.trials)
    overfitting = measure_overfitting(facts.daily) if facts.trials > 1 else None
    luck = expected_best_sharpe(facts.trials, variance=variance)
    deflated = deflated_sharpe(moments, trials=facts.trials, variance=variance) if moments else None
    evidence = Evidence(
        sharpe=moments.sharpe * year if moments else None,
        trials=facts.trials,
        luck_sharpe=luck * year,
        deflated=deflated,
        overfitting=overfitting.probability if overfitting else None,
        loss=overfitting.loss_probability if overfitting else None,
        days=len(facts.best_daily),
        needed_days=needed_periods(moments) if moments else None,
        trades=len(facts.best_profits),
        market_sharpe=facts.market_sharpe,
        above_market=_above(moments, facts.market_sharpe, year),
    )
    shares = trade_returns(facts.best_profits, cash=facts.cash)
    return HonestyReport(
        trials=facts.trials,
        days=evidence.days,
        sharpe=evidence.sharpe,
        luck_sharpe=evidence.luck_sharpe,
        probabilistic=probabilistic_sharpe(moments) if moments else None,
        deflated=deflated,
        independent=independent,
        deflated_independent=deflated_sharpe(moments, trials=independent, variance=variance)
        if moments
        else None,
        needed_days=evidence.needed_days,
        market_sharpe=evidence.market_sharpe,
        above_market=evidence.above_market,
        overfitting=overfitting,
        bootstrap=bootstrap_intervals(facts.best_daily, periods=facts.periods, resamples=resamples, seed=seed),
        trade_order=shuffle_trades(shares, draws=resamples, seed=seed),
        verdict=judge(evidence),
        sentences=reasons_of(evidence),
    )


def _above(moments: Moments | None, market: float | None, year: float) -> float | None:
    if moments is None or market is None:
        return None
    return probabilistic_sharpe(moments, benchmark=market / year)


def market_sharpe_of(data: BarFile) -> float | None:
    """Give the annual Sharpe ratio of buying at the first close and holding; None where undefined."""
    bars = data.bars
    returns = period_returns(bars.close, bars.open_time, start=float(bars.close[0]), interval=data.interval)
    return sharpe(returns, periods=periods_per_year(bars.open_time, data.interval))


def _variance(sharpes: FloatArray) -> float:
    """Give the variance of the Sharpe ratios that are defined; 0 below two."""
    defined = sharpes[np.isfinite(sharpes)]
    return float(np.var(defined, ddof=1)) if len(defined) > 1 else 0.0


def facts_of_run(result: RunResult) -> SweepFacts:
    """Take a single run as a search of one trial; what else was tried before, only its maker knows."""
    bars, cash = result.data.bars, result.settings.cash
    daily = period_returns(result.curve.equity, bars.open_time, start=cash, interval=result.data.interval)
    measured = result.metrics.get("sharpe")
    return SweepFacts(
        trials=1,
        sharpes=np.array([math.nan if measured is None else float(measured)]),
        daily=np.empty((len(daily), 0)),
        best_daily=daily,
        best_profits=np.array([trade.pnl for trade in result.trades], dtype=np.float64),
        periods=periods_per_year(bars.open_time, result.data.interval),
        cash=cash,
        market_sharpe=market_sharpe_of(result.data),
    )


def honesty_to_dict(report: HonestyReport) -> dict[str, Any]:
    """Give the report as plain data for JSON; what is undefined is None."""
    over = report.overfitting
    return {
        "verdict": str(report.verdict),
        "sentences": list(report.sentences),
        "trials": report.trials,
        "days": report.days,
        "sharpe": report.sharpe,
        "luck_sharpe": report.luck_sharpe,
        "probabilistic_sharpe": report.probabilistic,
        "deflated_sharpe": report.deflated,
        "independent_trials": report.independent,
        "deflated_sharpe_independent": report.deflated_independent,
        "needed_days": report.needed_days,
        "market_sharpe": report.market_sharpe,
        "above_market": report.above_market,
        "overfitting": None if over is None else {
            "probability": over.probability,
            "loss_probability": over.loss_probability,
            "slope": over.slope,
            "blocks": over.blocks,
            "trials": over.trials,
            "splits": len(over.logits),
        },
        "bootstrap": None if report.bootstrap is None else asdict(report.bootstrap),
        "trade_order": None if report.trade_order is None else asdict(report.trade_order),
    }  # fmt: skip

"""Returns and their ratios agree with R, with empyrical and quantstats, and with reckoning by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.reports import distribution, returns
from bt_run.reports.drawdown import find_drawdowns

HOUR = 3_600_000
DAY = 24 * HOUR
MONDAY = 4 * DAY  # 1970-01-05

STEP = np.arange(500)
SERIES = 0.001 + 0.03 * np.sin(1.7 * STEP) * np.cos(0.3 * STEP * STEP)
MARKET = 0.0005 + 0.02 * np.cos(0.9 * STEP) + 0.3 * SERIES

# empyrical-reloaded 0.7.1 on SERIES and MARKET with annualization=365; alpha and the distribution from
# quantstats 0.0.86 with periods=365; skewness and kurtosis from scipy 1.17.1 with bias=False.
INDEPENDENT = {
    "annual_return": 0.5593475240935277,
    "volatility": 0.29313108147553507,
    "sharpe": 1.6626763649853944,
    "sortino": 2.518202691919864,
    "alpha": 0.38313471521305176,
    "beta": 0.3149288937395953,
    "omega": 1.2392939001637324,
    "value_at_risk": -0.02390199516153609,
    "skewness": -0.03585889995798969,
    "kurtosis": -0.7602277317239312,
}


@pytest.mark.parametrize("name", [*INDEPENDENT])
def test_values_agree_with_independent_libraries(name):
    """empyrical, quantstats and scipy find the same numbers on the same series."""
    alpha, beta = returns.alpha_beta(SERIES, MARKET, periods=365)
    found = {
        "annual_return": returns.annual_return(SERIES, periods=365),
        "volatility": returns.volatility(SERIES, periods=365),
        "sharpe": returns.sharpe(SERIES, periods=365),
        "sortino": returns.sortino(SERIES, periods=365),
        "alpha": alpha,
        "beta": beta,
        "omega": distribution.omega(SERIES),
        "value_at_risk": distribution.value_at_risk(SERIES),
        "skewness": distribution.skewness(SERIES),
        "kurtosis": distribution.kurtosis(SERIES),
    }

    assert pytest.approx(INDEPENDENT[name], rel=1e-11) == found[name]


def test_values_agree_with_r_performance_analytics(shared):
    """Every metric of the published reference is found to its last digits."""
    published = json.loads((shared / "realdata/results/metrics-reference-bacon_monthly.json").read_text())
    monthly = np.array(published["fixtures"]["bacon_monthly"]["returns"])
    fall = find_drawdowns(np.cumprod(1.0 + monthly), np.arange(len(monthly)), start=1.0).max_pct / 100.0
    annual = returns.annual_return(monthly, periods=12)

    found = {
        "volatility_annual": returns.volatility(monthly, periods=12),
        "return_annual": annual,
        "sharpe_annual": returns.sharpe(monthly, periods=12),
        "sortino_annual": returns.sortino(monthly, periods=12),
        "max_drawdown": -fall,
        "calmar": returns.calmar(annual, max_drawdown=fall),
        "var_95": distribution.value_at_risk(monthly),
        "es_95": distribution.expected_shortfall(monthly),
        "omega_0": distribution.omega(monthly),
        "skewness": distribution.skewness(monthly),
        "kurtosis": distribution.kurtosis(monthly),
    }

    expected = {name: metric["bacon_monthly"] for name, metric in published["metrics"].items()}
    assert pytest.approx(expected, rel=1e-12) == found


def test_a_days_return_runs_from_its_eve_to_its_last_close():
    """Three bars on two days give two returns; the first day starts with the cash."""
    times = np.array([0, 12 * HOUR, DAY + HOUR])

    found = returns.period_returns(
        np.array([105.0, 110.0, 99.0]), times, start=100.0, interval=Interval(1, "h")
    )

    assert pytest.approx([0.1, -0.1]) == found


def test_a_day_without_bars_gives_no_return():
    """An outage from Monday to Friday is one return, not five."""
    found = returns.period_returns(
        np.array([100.0, 120.0]), np.array([0, 4 * DAY]), start=100.0, interval=Interval(1, "d")
    )

    assert pytest.approx([0.0, 0.2]) == found


@pytest.mark.parametrize(("interval", "count"), [("3d", 3), ("1w", 3), ("1M", 3), ("1d", 3), ("12h", 2)])
def test_bars_longer_than_a_day_are_their_own_periods(interval, count):
    """A week's bar gives one return, whatever the day on which it opens."""
    parsed = Interval.parse(interval)
    times = np.arange(3) * parsed.approximate_ms

    assert count == len(returns.period_returns(np.ones(3), times, start=1.0, interval=parsed))


def test_an_account_at_or_below_zero_has_no_returns():
    """A percentage of nothing means nothing."""
    found = returns.period_returns(
        np.array([10.0, -1.0, 5.0]), np.arange(3) * DAY, start=10.0, interval=Interval(1, "d")
    )

    assert 0 == len(found)


@pytest.mark.parametrize(
    ("days", "interval", "expected"),
    [
        (range(14), "1d", 365),
        ([d for d in range(14) if d % 7 < 5], "1d", 252),
        ([d for d in range(35) if d % 7 != 5], "1h", 252),  # currencies open on Sunday evening
        (range(3), "1m", 365),  # Monday to Wednesday: nothing is known of the weekend
        ([d for d in range(70) if d not in (5, 6)], "1d", 365),  # an outage of one weekend
        ([0], "1d", 365),
        ([0, 7, 14], "1w", 365 / 7),
        ([0, 3, 6], "3d", 365 / 3),
        ([0, 31], "1M", 12),
        ([0, 92], "3M", 4),
    ],
)
def test_the_year_has_as_many_periods_as_the_market_has_days(days, interval, expected):
    """Markets open on weekends have 365 days a year, others 252; long bars go by their length."""
    times = MONDAY + np.array(list(days)) * DAY

    assert pytest.approx(expected) == returns.periods_per_year(times, Interval.parse(interval))


def test_sharpe_is_defined_within_one_year():
    """Three days are enough; Backtrader's SharpeRatio gives None there."""
    found = returns.sharpe(np.array([0.01, 0.02, 0.03]), periods=365)

    assert pytest.approx(2.0 * 365**0.5) == found


def test_cagr_counts_years_of_365_and_a_quarter_days():
    """Doubling in two such years is 41.4 % a year."""
    assert pytest.approx(2**0.5 - 1) == returns.cagr(2.0, elapsed_ms=int(730.5 * DAY))


@pytest.mark.parametrize(
    "undefined",
    [
        returns.sharpe(np.array([0.01]), periods=365),
        returns.sharpe(np.array([]), periods=365),
        returns.sharpe(np.full(10, 0.1), periods=365),
        returns.sortino(np.array([0.01, 0.02]), periods=365),
        returns.volatility(np.array([0.01]), periods=365),
        returns.annual_return(np.array([]), periods=365),
        returns.annual_return(np.array([1e3]), periods=365),
        returns.cagr(1.1, elapsed_ms=0),
        returns.cagr(0.0, elapsed_ms=DAY),
        returns.calmar(0.1, max_drawdown=0.0),
        returns.calmar(None, max_drawdown=0.1),
        *returns.alpha_beta(np.array([0.1]), np.array([0.1]), periods=365),
        *returns.alpha_beta(np.array([0.1, 0.2]), np.zeros(2), periods=365),
        distribution.value_at_risk(np.array([0.1])),
        distribution.expected_shortfall(np.array([0.1])),
        distribution.omega(np.array([0.1])),
        distribution.skewness(np.ones(5)),
        distribution.kurtosis(np.ones(3)),
    ],
)
def test_what_is_undefined_is_none(undefined):
    """No variation, no loss or no time is not a number, and no infinity either."""
    assert undefined is None


@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=50))
def test_compounding_the_annual_return_gives_the_growth_back(values):
    """Over exactly one year the annualised return is the return."""
    found = returns.annual_return(np.array(values), periods=len(values))

    assert pytest.approx(float(np.prod(1.0 + np.array(values))) - 1.0, abs=1e-9) == found

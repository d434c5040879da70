"""All tests at once: of searches among noise, of a search that found something, of one run."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bt_run.reports.honesty.block import honesty_block
from bt_run.reports.honesty.honesty import SweepFacts, facts_of_run, honesty_of, honesty_to_dict
from bt_run.reports.honesty.verdict import Verdict
from bt_run.reports.tables import render_text

YEAR = 365.0


def _search(seed, *, skill=0.0, days=800, tries=60):
    """Give the facts of a search among `tries` kinds of noise, the first of which may have skill."""
    draw = np.random.default_rng(seed)
    daily = draw.normal(0.0, 0.02, size=(days, tries))
    daily[:, 0] += skill
    sharpes = daily.mean(axis=0) / daily.std(axis=0, ddof=1) * math.sqrt(YEAR)
    best = daily[:, sharpes.argmax()]
    return SweepFacts(tries, sharpes, daily, best, draw.normal(20.0, 100.0, 50), YEAR, 10_000.0)


def test_the_best_of_noise_is_luck():
    """Out of sixty kinds of noise one looks good; the report says that it is not."""
    report = honesty_of(_search(3), resamples=200)

    assert Verdict.NO == report.verdict
    assert report.sharpe > 1.0
    assert report.probabilistic > 0.95
    assert report.deflated < 0.9
    assert pytest.approx(report.sharpe, rel=0.3) == report.luck_sharpe


def test_noise_seldom_passes():
    """Of fifty searches among noise no more than five in a hundred pass the bar."""
    passed = 0
    for seed in range(50):
        facts = _search(seed, days=200, tries=20)
        passed += honesty_of(facts, resamples=2).deflated >= 0.95

    assert passed <= 2


def test_skill_is_told_from_luck():
    """A true annual Sharpe ratio of about 3.8 over two years, among fifty-nine without any."""
    report = honesty_of(_search(5, skill=0.004), resamples=200)

    assert Verdict.YES == report.verdict
    assert report.bootstrap.sharpe.low > 0.0
    assert report.needed_days < report.days


def test_undefined_sharpe_ratios_count_as_tries():
    """Combinations that never traded were tried too, but say nothing about how ratios vary."""
    facts = _search(3)
    more = SweepFacts(
        600, np.append(facts.sharpes, np.full(540, np.nan)), facts.daily, facts.best_daily, facts.best_profits,
        YEAR, facts.cash,
    )  # fmt: skip

    assert honesty_of(more, resamples=2).luck_sharpe > honesty_of(facts, resamples=2).luck_sharpe


def test_the_same_facts_give_the_same_report():
    """Resampling is seeded: a report can be made again."""
    first, second = (honesty_to_dict(honesty_of(_search(2), resamples=50)) for _ in range(2))

    assert first == second


def test_the_report_is_plain_json():
    """No NaN, no infinity, no array."""
    text = json.dumps(honesty_to_dict(honesty_of(_search(1), resamples=50)), allow_nan=False)
    found = json.loads(text)

    assert "no" == found["verdict"]
    assert {"value", "low", "high"} == found["bootstrap"]["sharpe"].keys()
    assert 12_870 == found["overfitting"]["splits"]


@pytest.mark.parametrize("width", [80, 120])
def test_the_block_fits_into_eighty_columns(width):
    """Every line of it, in a wider terminal too."""
    text = render_text(honesty_block(honesty_of(_search(4), resamples=50)), width=width)

    assert "Deflated Sharpe" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_single_run_is_judged_as_one_try(make):
    """No deflation and no cross-validation: nothing was chosen."""
    report = honesty_of(facts_of_run(make.result(metrics={"sharpe": 1.2})), resamples=20)
    text = render_text(honesty_block(report))

    assert 1 == report.trials
    assert report.deflated == report.probabilistic
    assert report.overfitting is None
    assert report.trade_order is None
    assert "Deflated" not in text


def test_buying_and_holding_is_as_good_as_the_market(make):
    """An account that follows the price has the market's Sharpe ratio: above it by the toss of a coin."""
    data = make.bar_file(200, drift=0.004)
    close = data.bars.close
    result = make.result(data, equity=10_000.0 * close / close[0])
    report = honesty_of(facts_of_run(result), resamples=20)

    assert pytest.approx(report.sharpe) == report.market_sharpe
    assert pytest.approx(0.5) == report.above_market


def test_an_account_that_never_moves_gives_a_report(make):
    """Nothing traded: unknown, in words, without an error."""
    result = make.result(equity=np.full(60, 10_000.0))
    report = honesty_of(facts_of_run(result), resamples=20)

    assert Verdict.UNKNOWN == report.verdict
    assert "Too little was run" in render_text(honesty_block(report))
    assert honesty_to_dict(report)["sharpe"] is None


def test_a_ruined_account_gives_a_report(make):
    """Equity below zero has no daily returns; the report says that there are none."""
    result = make.result(equity=np.linspace(10_000.0, -500.0, 60))

    assert Verdict.UNKNOWN == honesty_of(facts_of_run(result), resamples=20).verdict

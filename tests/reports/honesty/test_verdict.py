"""The answer and its sentences."""

from __future__ import annotations

import pytest

from bt_run.reports.honesty.verdict import Evidence, Verdict, judge, reasons_of

GOOD = Evidence(
    sharpe=2.0, trials=100, luck_sharpe=0.8, deflated=0.99, overfitting=0.01, loss=0.02, days=900,
    needed_days=300.0, trades=120,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.YES),
        ({"deflated": 0.95, "overfitting": 0.05}, Verdict.YES),
        ({"overfitting": 0.06}, Verdict.PARTLY),
        ({"overfitting": 1.0}, Verdict.PARTLY),
        ({"deflated": 0.9499}, Verdict.NO),
        ({"deflated": 0.5, "overfitting": None}, Verdict.NO),
        ({"overfitting": None}, Verdict.UNKNOWN),
        ({"deflated": None}, Verdict.UNKNOWN),
        ({"trials": 1, "overfitting": None}, Verdict.YES),
        ({"trials": 1, "overfitting": None, "deflated": 0.2}, Verdict.NO),
    ],
)
def test_the_answer_follows_the_thresholds(changes, verdict):
    """95 % for the deflated Sharpe ratio, 5 % for the probability of overfitting."""
    assert verdict == judge(GOOD._replace(**changes))


def test_a_good_result_is_told_in_four_sentences():
    """The answer first, then luck and choice; nothing about length or trades where both suffice."""
    expected = (
        "The best result is distinguishable from luck.",
        "The best of 100 tries without any skill would show a Sharpe ratio of about 0.80; this one has 2.00.",
        "Confidence that this is no luck: 99.0%, which is over the usual bar of 95%.",
        (
            "What was best on one half of the days was no better than the middle on the other half in 1.0% of "
            "all splits, and lost money there in 2.0%."
        ),
        "So the choice of parameters holds.",
    )

    assert expected == reasons_of(GOOD)


def test_what_is_missing_is_said():
    """Few trades, few days, and a choice no better than a lot."""
    said = " ".join(reasons_of(GOOD._replace(deflated=0.4, overfitting=0.6, needed_days=5000.4, trades=1)))

    assert "not distinguishable from luck" in said
    assert "40.0%, which is below the usual bar" in said
    assert "drawing the parameters by lot would have done as well" in said
    assert "takes 5,000 daily returns to be believed; there are 900" in said
    assert "1 trade is few" in said


def test_a_single_run_was_not_chosen():
    """No sentence about tries or choice, which there were not."""
    said = " ".join(reasons_of(GOOD._replace(trials=1, overfitting=None, loss=None)))

    assert said.startswith("The result is distinguishable")
    assert "tries" not in said
    assert "parameters" not in said


def test_buy_and_hold_is_the_measure():
    """A rising market makes everybody look skilled, so its Sharpe ratio is told beside."""
    words = "Confidence that this is more: 62.0%"
    rising = " ".join(reasons_of(GOOD._replace(market_sharpe=1.8, above_market=0.62)))
    falling = " ".join(reasons_of(GOOD._replace(market_sharpe=-1.8, above_market=0.62)))
    lucky = " ".join(reasons_of(GOOD._replace(market_sharpe=1.8, above_market=0.62, deflated=0.5)))
    beaten = " ".join(reasons_of(GOOD._replace(market_sharpe=0.8, above_market=0.97)))

    assert (
        f"Buy and hold had a Sharpe ratio of 1.80. {words}; so a rising market alone may explain it." in rising
    )
    assert f"{words}. " in falling
    assert f"{words}. " in lucky
    assert "rising market" not in beaten


def test_a_flat_account_cannot_be_judged():
    """Without a Sharpe ratio the answer is that there is none."""
    said = reasons_of(GOOD._replace(sharpe=None, deflated=None, needed_days=None, overfitting=None, trades=0))

    assert "Too little was run to tell the best result from luck." == said[0]
    assert "do not vary enough" in said[1]
    assert "0 trades are few" in said[-1]

"""From the tests to a sentence: is the best result distinguishable from luck?"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from bt_run.reports.cells import chance_cell

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CHOICE_LIMIT", "COIN", "CONFIDENCE", "FEW_TRADES", "Evidence", "Verdict", "judge", "reasons_of"]

CONFIDENCE = 0.95
"""What the deflated Sharpe ratio must reach: Bailey and López de Prado, 2014, call that significant."""

CHOICE_LIMIT = 0.05
"""The probability of overfitting above which the choice is not proven: Bailey and others, 2017, section 2.3."""

COIN = 0.5
"""The probability of overfitting from which on choosing by the past is no better than drawing a lot."""

FEW_TRADES = 30
"""Below it a mean says little: Tharp, 2008, asks for so many before he trusts a system's number."""


class Verdict(StrEnum):
    """
    The answer in a word.

    YES: better than luck, and the choice of parameters holds too. PARTLY: better than luck, but these very
    parameters need not be the best. NO: luck would explain it. UNKNOWN: too little was run to tell.
    """

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


class Evidence(NamedTuple):
    """What is judged; probabilities in [0, 1], Sharpe ratios annual, None where undefined."""

    sharpe: float | None
    trials: int
    luck_sharpe: float | None
    deflated: float | None
    overfitting: float | None
    loss: float | None
    days: int
    needed_days: float | None
    trades: int
    market_sharpe: float | None = None
    above_market: float | None = None


def judge(found: Evidence) -> Verdict:
    """
    Answer by the thresholds of this module; a single trial is not chosen, so overfitting is not asked.

    A choice that does not hold takes nothing from a result that is better than luck: where all parameters do
    well, none of them is the best for long.
    """
    if found.deflated is None:
        return Verdict.UNKNOWN
    if found.deflated < CONFIDENCE:
        return Verdict.NO
    if found.trials == 1:
        return Verdict.YES
    if found.overfitting is None:
        return Verdict.UNKNOWN
    return Verdict.PARTLY if found.overfitting > CHOICE_LIMIT else Verdict.YES


_HEADLINES = {
    Verdict.YES: "The {result} is distinguishable from luck.",
    Verdict.PARTLY: "The {result} is better than luck, but these parameters need not be the best.",
    Verdict.NO: "The {result} is not distinguishable from luck.",
    Verdict.UNKNOWN: "Too little was run to tell the {result} from luck.",
}


_RISE = "; so a rising market alone may explain it"


def reasons_of(found: Evidence) -> tuple[str, ...]:
    """Say in plain sentences what was found, the answer first."""
    headline = _HEADLINES[judge(found)].format(result="best result" if found.trials > 1 else "result")
    return (headline, *_luck(found), *_market(found), *_choice(found), *_length(found), *_trades(found))


def _luck(found: Evidence) -> Iterator[str]:
    if found.deflated is None or found.sharpe is None:
        yield "Its daily returns do not vary enough, or are too few, for a Sharpe ratio."
        return
    if found.trials > 1 and found.luck_sharpe is not None:
        yield (
            f"The best of {found.trials:,} tries without any skill would show a Sharpe ratio of about "
            f"{found.luck_sharpe:.2f}; this one has {found.sharpe:.2f}."
        )
    place = "over" if found.deflated >= CONFIDENCE else "below"
    bar = f"which is {place} the usual bar of {CONFIDENCE * 100:.0f}%"
    yield f"Confidence that this is no luck: {chance_cell(found.deflated)}, {bar}."


def _market(found: Evidence) -> Iterator[str]:
    if found.market_sharpe is None or found.above_market is None:
        return
    is_risen = found.market_sharpe > 0.0 and (found.deflated or 0.0) >= CONFIDENCE > found.above_market
    beaten = _RISE if is_risen else ""
    better = f"Confidence that this is more: {chance_cell(found.above_market)}"
    yield f"Buy and hold had a Sharpe ratio of {found.market_sharpe:.2f}. {better}{beaten}."


def _choice(found: Evidence) -> Iterator[str]:
    if found.overfitting is None:
        if found.trials > 1:
            yield "Whether the choice of parameters holds could not be tested: it takes two tries and 40 days."
        return
    share, lost = chance_cell(found.overfitting), chance_cell(found.loss)
    yield (
        f"What was best on one half of the days was no better than the middle on the other half in {share} "
        f"of all splits, and lost money there in {lost}."
    )
    if found.overfitting >= COIN:
        yield "So drawing the parameters by lot would have done as well."
    elif found.overfitting > CHOICE_LIMIT:
        yield f"The choice of parameters counts as proven up to {CHOICE_LIMIT * 100:.0f}%."
    else:
        yield "So the choice of parameters holds."


def _length(found: Evidence) -> Iterator[str]:
    if found.needed_days is not None and found.needed_days > found.days:
        yield (
            f"Even as a single try this Sharpe ratio takes {found.needed_days:,.0f} daily returns to be "
            f"believed; there are {found.days:,}."
        )


def _trades(found: Evidence) -> Iterator[str]:
    if found.trades < FEW_TRADES:
        count = "1 trade is" if found.trades == 1 else f"{found.trades} trades are"
        yield f"{count} few: below {FEW_TRADES} every number here hangs on single trades."

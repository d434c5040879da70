"""
Live against backtest: replay the bars that a live run saw, and explain every difference.

The parts: `story` reads the journal, `replay` runs the backtest under the same conditions,
`compare` compares the two and knows nothing of either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bt_run.run.parity.books import check_books
from bt_run.run.parity.compare import compare
from bt_run.run.parity.replay import replay_story, settings_of_story
from bt_run.run.parity.sides import Scene
from bt_run.run.parity.story import read_story
from bt_run.run.parity.strategy_file import load_again
from strategies.base import SignalStrategy
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.settings import BacktestSettings
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import RunRecord
    from bt_run.run.parity.books import Jump
    from bt_run.run.parity.compare import Comparison
    from bt_run.run.parity.replay import Replay
    from bt_run.run.parity.sides import Side
    from bt_run.run.parity.story import LiveStory

__all__ = ["Outage", "ParityReport", "run_parity"]


@dataclass(frozen=True, slots=True)
class Outage:
    """
    What it cost that bars came too late to trade on.

    `bars` came so after the first live bar; on `decisions` of them the strategy ordered in vain. `amount` is
    how much more the backtest had ended with, had all of them been live; quote asset.
    """

    bars: int
    decisions: int
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class ParityReport:
    """
    Everything that a comparison of live with its backtest found.

    `live_equity` is the live account at the close of each bar, shape (n,), quote asset, with what came from
    outside.
    """

    story: LiveStory
    live_equity: FloatArray
    backtest: Side
    settings: BacktestSettings
    comparison: Comparison
    outage: Outage
    notes: tuple[str, ...]


def run_parity(
    journal: JournalQueries,
    run: RunRecord,
    *,
    symbol: str | None = None,
    strategy: str | None = None,
    commission: float | None = None,
) -> ParityReport:
    """
    Compare a live run, with those that it went on from, with a backtest over the bars that it saw.

    Args:
        journal: Where the run is.
        run: The newest run of the story.
        symbol: Which symbol, where the run traded several.
        strategy: What to load in place of the file or the name in the journal: ``./mine.py:Mine``.
        commission: The backtest's commission as a fraction; without it what the fills paid as a rule.

    Raises:
        ConfigError: the run cannot be replayed; the text says why.
        StrategyError: the strategy cannot be loaded, or raised.
        JournalError: the journal cannot be read.
    """
    story = read_story(journal, run, symbol=symbol)
    # The parameters are the journal's in any case.
    loaded, notes = (load_strategy(strategy), ()) if strategy is not None else load_again(story.run)
    settings = settings_of_story(story, commission=commission)
    replay = replay_story(story, loaded, settings)
    joined = story.joined
    writes_signals = issubclass(loaded.cls, SignalStrategy)
    scene = Scene(
        bars=joined.bars,
        interval=joined.interval,
        tradable=story.tradable,
        lot_step=story.lot_step,
        tick=story.tick,
        rate=settings.commission,
        stake=settings.stake if writes_signals else None,
        restarts=joined.restarts,
        writes_signals=writes_signals,
        shared_equity=story.shared_equity(),
    )
    jumps = []
    if not story.is_shared:  # else the account is that of all symbols
        jumps = check_books(story.records, story.opening, story.orders, joined)
    live = _with_jumps(story.side, jumps, joined.bars.close)
    comparison = compare(
        live,
        replay.side,
        scene,
        opening=story.opening.size,
        known=[*joined.findings(), *(jump.difference(joined.bars) for jump in jumps)],
        altered=joined.altered,
    )
    outage = _outage(story, replay)
    notes = (*notes, *story.notes)
    return ParityReport(story, live.equity, replay.side, settings, comparison, outage, notes)


def _with_jumps(side: Side, jumps: Sequence[Jump], close: FloatArray) -> Side:
    """Put what came from outside into the account, so that it is the one that the strategy saw."""
    equity, position = side.equity.copy(), side.position.copy()
    for jump in jumps:
        equity[jump.bar :] += jump.cash + jump.coins * close[jump.bar :]
        position[jump.bar :] += jump.coins
    return replace(side, equity=equity, position=position)


def _outage(story: LiveStory, replay: Replay) -> Outage:
    """Run again with every bar after the first live one tradable; only where that can change anything."""
    start = story.joined.first_tradable
    missed = [int(bar) for bar in np.flatnonzero(~story.tradable[start:]) + start]
    in_vain = len(replay.refused & set(missed))
    if not in_vain or story.is_signals_only:
        return Outage(len(missed), in_vain, 0.0)
    free = story.tradable.copy()
    free[start:] = True
    return Outage(len(missed), in_vain, replay.again(free) - float(replay.side.equity[-1]))

"""Which engine runs a backtest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bt_run.core.errors import NotCovered
from bt_run.core.settings import BacktestSettings
from bt_run.run import engines
from bt_run.run.engines import Engine, run_engine

STRATEGY = SimpleNamespace(name="mine", hand_written=False)
HAND_WRITTEN = SimpleNamespace(name="mine", hand_written=True)


def fits(*_):
    """Cover every run."""
    return


def too_wide(*_):
    """Cover no run."""
    return "it has two feeds"


class Told(str):
    """An outcome by its name."""

    fallback = ""


def gives(outcome):
    """Make a run that gives this outcome."""
    return lambda strategy, data, settings, *, progress=None: Told(outcome)


def gives_up(strategy, data, settings, *, progress=None):
    """Find out during the run that it cannot be done."""
    raise NotCovered("quick", "it sets a timer")


@pytest.fixture
def engine_table(monkeypatch):
    """Give a function that sets the table of engines."""

    def put(*rows):
        monkeypatch.setattr(engines, "ENGINES", tuple(lambda row=row: row for row in rows))

    return put


def settings_for(engine):
    """Give settings that ask for an engine."""
    return BacktestSettings(engine=engine)


def everything(_):
    """Be meant for every strategy."""
    return True


SLOW = Engine("backtrader", gives("slow"), fits, everything)


def test_auto_takes_the_first_that_covers_the_run_and_needs_no_word_for_it(engine_table):
    """The table's order is the order of preference."""
    engine_table(Engine("fast", gives("quick"), fits, everything), SLOW)
    ran = run_engine(STRATEGY, None, settings_for("auto"))

    assert ("quick", "fast", "") == (ran.outcome, ran.engine, ran.note)


@pytest.mark.parametrize("engine", [Engine("fast", gives("quick"), too_wide, everything), None])
def test_auto_goes_on_and_says_why_where_the_expected_engine_cannot(engine_table, engine):
    """Before the run by `why_not`, in the run by raising NotCovered: the next engine runs."""
    engine_table(engine or Engine("fast", gives_up, fits, everything), SLOW)
    ran = run_engine(STRATEGY, None, settings_for("auto"))
    reason = "it has two feeds" if engine else "it sets a timer"

    assert ("slow", "backtrader") == (ran.outcome, ran.engine)
    assert f"not the fast engine, because {reason}." == ran.note


def test_an_engine_that_went_on_as_stock_backtrader_says_so(engine_table):
    """Its outcome counts: nothing is run twice."""
    went_on = Told("slow")
    went_on.fallback = "it has timers"
    engine_table(Engine("accelerated", lambda *_, progress: went_on, fits, everything), SLOW)
    ran = run_engine(STRATEGY, None, settings_for("auto"))

    assert went_on is ran.outcome
    assert ("backtrader", "not the accelerated engine, because it has timers.") == (ran.engine, ran.note)


def test_an_engine_that_nobody_expects_is_passed_over_in_silence(engine_table):
    """A hand-written class is not asked to be an array."""
    engine_table(Engine("fast", gives("quick"), too_wide, lambda told: not told.hand_written), SLOW)
    ran = run_engine(HAND_WRITTEN, None, settings_for("auto"))

    assert ("slow", "") == (ran.outcome, ran.note)


@pytest.mark.parametrize("row", [(gives("quick"), too_wide), (gives_up, fits)])
def test_an_engine_asked_for_by_name_runs_or_says_why_not(engine_table, row):
    """No other engine takes its place."""
    engine_table(Engine("fast", *row, everything), SLOW)

    with pytest.raises(NotCovered, match=r"The fast engine cannot run this: it .*\. Use --engine auto\."):
        run_engine(STRATEGY, None, settings_for("fast"))


def test_a_slower_engine_can_be_asked_for(engine_table):
    """The quicker ones are not even asked."""
    engine_table(Engine("fast", gives("quick"), fits, everything), SLOW)

    assert "slow" == run_engine(STRATEGY, None, settings_for("backtrader")).outcome

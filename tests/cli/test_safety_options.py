"""The options that limit a live run, from the command line and from bt-run.toml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bt_run.cli.safety_options import SAFETY_KEYS, limits_of, safety_options
from bt_run.cli.settings_file import SettingsFile
from bt_run.run.safety_limits import LossLimit, SafetyLimits

D = Decimal


@click.command()
@safety_options
def live(**options: object) -> None:
    """Stand in for bt-run live."""
    assert set(SAFETY_KEYS) == set(options)
    made.append(limits_of(**options))


made: list[SafetyLimits] = []


def limits(*words: str, **defaults: object) -> SafetyLimits:
    """Give the limits that the words make."""
    made.clear()
    found = CliRunner().invoke(live, words, default_map=defaults or None, catch_exceptions=False)
    assert (0, "") == (found.exit_code, found.output)
    return made[0]


def test_without_a_word_the_defaults_hold():
    assert SafetyLimits() == limits()


def test_all_of_them():
    words = (
        "--max-order 100 --max-position 1e3 --max-orders-per-minute 3 --max-daily-loss 5% --max-drawdown 12.5"
    )
    given = limits(*words.split(), "--cooldown", "30m", "--stale-after", "90s", "--max-price-deviation", "2%")

    loss = LossLimit(D(5), is_percent=True)
    assert SafetyLimits(D(100), D(1000), 3, loss, D("12.5"), 1800.0, 90.0, D(2)) == given


def test_off():
    words = [word for name in SAFETY_KEYS for word in ("--" + name.replace("_", "-"), "off")]

    assert SafetyLimits(*[None] * len(SAFETY_KEYS)) == limits(*words)


def test_from_a_settings_file():
    """Numbers of TOML, and off."""
    table = {"max-order": 250, "max-daily-loss": "250USDT", "max-price-deviation": "off", "max_drawdown": 10.5}
    told = SettingsFile(Path("bt-run.toml"), {}).defaults_for(live, table)
    given = limits(**told)

    assert (D(250), LossLimit(D(250)), None, D("10.5")) == (
        given.max_order, given.max_daily_loss, given.max_price_deviation_pct, given.max_drawdown_pct,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--max-order -5", "no amount above 0"),
        ("--max-order nan", "no amount above 0"),
        ("--max-drawdown 100%", "between 0 and 100"),
        ("--max-daily-loss 120%", "all would be lost"),
        ("--max-orders-per-minute 0", "whole number above 0"),
        ("--cooldown soon", "not a duration"),
        ("--stale-after 1M", "not a duration"),
    ],
)
def test_a_value_that_is_none(words: str, says: str):
    """Is refused with what to write."""
    found = CliRunner().invoke(live, words.split())

    assert found.exit_code
    assert says in " ".join((found.output + str(found.exception)).split())

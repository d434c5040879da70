"""Every metric has words, and the same keys stand in the code, in the words and in the manual."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bt_run.reports.metric_words import METRIC_WORDS, metric_text
from bt_run.reports.metrics import compute_metrics

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_every_metric_has_words_in_the_order_of_the_metrics(make):
    """What is computed is what is explained."""
    run = make.result()
    computed = compute_metrics(
        curve=run.curve, bars=run.data.bars, trades=(), fills=(), cash=10_000.0, interval=run.data.interval
    )

    assert list(computed) == list(METRIC_WORDS)
    assert list(computed) == re.findall(r"^### `(\w+)`$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("equity_final", 1234.5, "1,234.50"),
        ("return_pct", 12.345, "+12.35%"),
        ("exposure_pct", 12.345, "12.35%"),
        ("max_drawdown_pct", 12.345, "-12.35%"),
        ("sharpe", 1.234, "1.23"),
        ("trades", 1234, "1,234"),
        ("max_trade_duration_s", 90_000.0, "1d 1h"),
        ("sortino", None, "\N{EN DASH}"),
    ],
)
def test_a_metric_is_written_as_its_kind_asks(key, value, text):
    """A change has a sign, a share none, a fall a minus."""
    assert text == metric_text(key, value)

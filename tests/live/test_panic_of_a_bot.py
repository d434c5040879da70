"""``bt-run panic`` told to a bot that runs does the same as without a bot, and says the same."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader
from bt_run.run.live.run import LiveOutcome
from bt_run.run.safety_limits import SafetyFacts
from bt_run.run.verbs import tell_bot


def run_and_panic(site: Any, journal: Path, fault: dict[str, Any] | None = None) -> tuple[LiveOutcome, str]:
    """Run until a stop-loss stands, then panic from another thread, as another process would."""
    answers: list[str] = []
    teller = threading.Thread(target=lambda: answers.extend(tell_bot(journal, "panic")))

    def on_say(sentence: str) -> None:
        if "stop-loss" in sentence and sentence.endswith("is placed") and not teller.ident:
            if fault is not None:
                url = f"{site.exchange.venue.rest_url}/practice/faults"
                requests.post(url, json=fault, timeout=20).raise_for_status()
            teller.start()

    site.follower.on_say = on_say
    outcome = site.run("sar", journal=journal, protection=Protection(10.0))
    teller.join(20)
    return outcome, "\n".join(answers)


def test_it_cancels_sells_and_tells_it_in_the_words_of_panic(start_site: Any, journal_file: Path) -> None:
    # A bar a second, so that the bot still runs when the word comes.
    site = start_site(at="2025-09-15", speed=86_400)
    outcome, answer = run_and_panic(site, journal_file)
    (result,) = outcome.results
    bought, *_, sold = result.fills
    assert outcome.reason == "bt-run panic"
    assert "BTCUSDT: 1 order cancelled.\nBTCUSDT: sold " in answer
    assert "NOT" not in answer
    assert outcome.sentences == tuple(answer.splitlines()[1:])
    # The result knows of the sale, and the journal of each order once.
    assert (sold.size, sold.position) == (-bought.size, 0)
    assert result.curve.position[-1] == 0
    assert result.metrics["equity_final"] == pytest.approx(result.curve.cash[-1], abs=0.01)
    with JournalReader(journal_file) as journal:
        orders = list(journal.orders())
        assert [order.state for order in orders] == ["FILLED", "CANCELED", "FILLED"]
        assert sum(fill.quantity for fill in journal.fills() if fill.side == "SELL") == Decimal("0.1269")
        assert SafetyFacts.of(journal.state(1)).paused == "since bt-run panic"


@pytest.mark.slow
def test_what_the_exchange_does_not_do_is_told(start_site: Any, journal_file: Path) -> None:
    """So that ``bt-run panic`` ends with exit code 5."""
    site = start_site(at="2025-09-15", speed=86_400)
    fault = {"kind": "refuse_request", "method": "order.place", "message": "Market is closed."}
    outcome, answer = run_and_panic(site, journal_file, fault)
    assert "BTC is left, NOT SOLD." in answer
    assert "BTCUSDT: NOT DONE. Run bt-run panic again" in answer
    assert any(sentence.startswith("Still held: 0.1269 BTC") for sentence in outcome.sentences)

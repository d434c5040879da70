"""What stops entries: each rule, what a restart remembers, and that no sequence of entries gets around."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.guard import EntryRequest, Guard
from brokers.order_events import Filled
from brokers.orders import Order, State
from bt_run.core.errors import ConfigError
from bt_run.run.safety import Safety
from bt_run.run.safety_limits import LossLimit, SafetyFacts, SafetyLimits
from bt_run.run.safety_rules import Breach

D = Decimal
T0 = 1_789_000_000_000
DAY = 86_400_000
MIDNIGHT = (T0 // DAY + 1) * DAY
OFF: dict[str, Any] = {"max_orders_per_minute": None, "stale_after_s": None, "max_price_deviation_pct": None}


def entry(time_ms: int = T0, **given: Any) -> EntryRequest:
    """Make a wish to buy 1 at 100 with 10 000 in cash and nothing held."""
    made: dict[str, Any] = {"symbol": "BTCUSDT", "type": "MARKET", "quantity": D(1), "price": D(100)}
    made |= {"worth": D(100), "held": D(0), "cash": D(10_000), "equity": D(10_000), "time_ms": time_ms}
    return EntryRequest(**(made | given))


class Kept:
    """Holds the facts as the journal would, and the alerts."""

    def __init__(self) -> None:
        self.documents: list[str] = []
        self.alerts: list[Breach] = []

    def safety(self, *, facts: SafetyFacts | None = None, **limits: Any) -> Safety:
        return Safety(
            SafetyLimits(**(OFF | limits)),
            facts=facts,
            keep=lambda document: self.documents.append(json.dumps(document)),
            alert=self.alerts.append,
        )

    @property
    def facts(self) -> SafetyFacts:
        return SafetyFacts.of({"safety": json.loads(self.documents[-1])})

    @property
    def rules(self) -> list[str]:
        return [breach.rule for breach in self.alerts]


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_it_is_a_guard(kept: Kept):
    guard: Guard = kept.safety()

    assert guard.judge(entry()) is None
    assert Safety().judge(entry()) is None


@pytest.mark.parametrize(
    ("limits", "given", "over", "says"),
    [
        ({"max_order": D(99)}, {}, 1, r"order of 100.00 is above the limit of 99.00 an order.*--max-order"),
        (
            {"max_position": D(150)},
            {"held": D("0.6"), "cash": D(9_940)},
            10,
            r"from 60.00 to 160.00, above .* 150.00",
        ),
        ({"max_position": D(150)}, {"cash": D(9_949)}, 1, r"from 51.00 to 151.00"),
    ],
    ids=["order", "position", "open purchases"],
)
def test_a_size_above_its_limit(kept: Kept, limits: dict, given: dict, over: int, says: str):
    """The very limit is allowed; a wish above it is not, and the sentence has the numbers."""
    safety = kept.safety(**limits)

    assert re.search(says, safety.judge(entry(**given)))
    assert safety.judge(entry(**given, worth=D(100) - over)) is None


def test_orders_a_minute(kept: Kept):
    safety = kept.safety(max_orders_per_minute=2)

    assert [None, None] == [safety.judge(entry(T0 + ms)) for ms in (0, 59_999)]
    assert "2 entries in the last minute are as many as allowed (2)" in safety.judge(entry(T0 + 59_999))
    assert safety.judge(entry(T0 + 60_000)) is None
    assert "as many" in safety.judge(entry(T0 + 60_001))


def test_a_restart_does_not_give_new_orders_a_minute():
    """The times of what was sent come from the journal."""
    safety = Safety(SafetyLimits(**(OFF | {"max_orders_per_minute": 1})), sent_ms=[T0])

    assert "as many" in safety.judge(entry(T0 + 59_999))
    assert safety.judge(entry(T0 + 60_000)) is None


def test_drawdown_latches_until_resume(kept: Kept):
    """It is told once, by the numbers at which it happened; then the peak counts anew."""
    safety = kept.safety(max_drawdown_pct=D(10))
    safety.mark(D(10_000), T0)
    safety.mark(D("9000.01"), T0)
    assert () == safety.breaches
    safety.mark(D(9_000), T0)
    safety.mark(D(8_000), T0)

    assert ["max-drawdown"] == kept.rules
    assert (
        "equity 9,000.00 is 10.00 % below its peak of 10,000.00, the limit is 10 %" in kept.alerts[0].sentence
    )
    assert "bt-run resume" in safety.judge(entry(equity=D(20_000), cash=D(20_000)))
    assert ["max-drawdown"] == kept.rules
    safety.resume()
    assert safety.judge(entry(equity=D(8_000), cash=D(8_000))) is None
    assert D(8_000) == safety.facts.peak


def test_an_entry_at_the_equity_that_breaches_is_refused_already(kept: Kept):
    """Nobody need have marked the equity before."""
    safety = kept.safety(max_daily_loss=LossLimit(D(5), is_percent=True))
    assert safety.judge(entry()) is None

    assert "The loss of this day" in safety.judge(entry(equity=D(9_500), cash=D(9_500)))
    assert ["max-daily-loss"] == kept.rules


@pytest.mark.parametrize(("text", "equity"), [("500", 9_500), ("5%", 9_500), ("500USDT", 9_499)])
def test_daily_loss_latches_until_the_next_utc_day(kept: Kept, text: str, equity: int):
    safety = kept.safety(max_daily_loss=LossLimit.parse(text))
    safety.mark(D(10_000), MIDNIGHT - 2000)
    safety.mark(D(9_501), MIDNIGHT - 1500)
    assert () == safety.breaches
    safety.mark(D(equity), MIDNIGHT - 1000)
    assert ["max-daily-loss"] == [breach.rule for breach in safety.breaches]
    assert safety.judge(entry(MIDNIGHT - 1, equity=D(10_000))) is not None

    assert safety.judge(entry(MIDNIGHT, equity=D(9_499), cash=D(9_499))) is None
    assert D(9_499) == safety.facts.day_start


def test_resume_lets_the_day_begin_anew(kept: Kept):
    safety = kept.safety(max_daily_loss=LossLimit(D(100)))
    for equity in (10_000, 9_900):
        safety.mark(D(equity), T0)
    safety.resume()

    assert [None, None] == [safety.judge(entry(equity=D(value), cash=D(value))) for value in (9_900, 9_801)]
    assert safety.judge(entry(equity=D(9_800), cash=D(9_800))) is not None


def test_a_clock_set_back_begins_no_new_day(kept: Kept):
    safety = kept.safety(max_daily_loss=LossLimit(D(100)))
    safety.mark(D(10_000), MIDNIGHT)
    safety.mark(D(9_990), MIDNIGHT - 5)

    assert D(10_000) == safety.facts.day_start


def test_cooldown_of_the_symbol_whose_stop_sold(kept: Kept):
    safety = kept.safety(cooldown_s=30)
    order = Order("btr-1-00000001", "BTCUSDT", "SELL", "STOP_LOSS", quantity=D(1), stop_price=D(90))
    fill = Filled(1, D(1), D(90), D(0), "USDT", T0, is_maker=False)
    safety.order_changed(order)
    assert safety.judge(entry(T0)) is None
    for purpose in ("exit", "stop_loss"):
        sold = Order(
            order.client_id, "BTCUSDT", "SELL", "STOP_LOSS", quantity=D(1), stop_price=D(90),
            state=State.FILLED, fills=(fill,), purpose=purpose,
        )  # fmt: skip
        assert safety.judge(entry(T0)) is None
        safety.order_changed(sold)

    assert "BTCUSDT cools down after a stop-loss: no entries until" in safety.judge(entry(T0 + 29_999))
    assert safety.judge(entry(T0 + 10_000)).endswith("Z, for 20s more.")
    assert safety.judge(entry(T0 + 29_999, symbol="ETHUSDT")) is None
    assert safety.judge(entry(T0 + 30_000)) is None
    assert {"BTCUSDT": T0 + 30_000} == kept.facts.cooldown_until


def test_stale_data(kept: Kept):
    """Of one symbol; anything that is heard ends it. What was never heard of at all is for the feed to say."""
    safety = kept.safety(stale_after_s=10)
    safety.saw("ETHUSDT", T0 + 11_000)
    assert safety.judge(entry()) is None
    safety.saw("BTCUSDT", T0)
    assert safety.judge(entry(T0 + 10_000)) is None
    assert "heard of BTCUSDT for 10.0 seconds, the limit is 10" in safety.judge(entry(T0 + 10_001))
    safety.saw("BTCUSDT", T0 + 10_001)
    assert safety.judge(entry(T0 + 10_001)) is None


def test_a_limit_price_above_the_last_trade(kept: Kept):
    safety = kept.safety(max_price_deviation_pct=D(5))
    assert safety.judge(entry(type="LIMIT", price=D(999))) is None
    safety.saw("BTCUSDT", T0, last=D(100))
    safety.saw("BTCUSDT", T0)

    assert (
        "The limit price of BTCUSDT, 106, is 6.00 % above the last price, 100; the limit is 5 %"
        in safety.judge(entry(type="LIMIT", price=D(106)))
    )
    for kind, price in (("LIMIT", 105), ("LIMIT_MAKER", 10), ("STOP_LOSS", 150), ("MARKET", 150)):
        assert safety.judge(entry(type=kind, price=D(price))) is None


def test_a_market_order_into_a_thin_book(kept: Kept):
    safety = kept.safety(max_price_deviation_pct=D(5))
    safety.saw("BTCUSDT", T0, last=D(100), bid=D(99), ask=D(106))

    assert "The best ask of BTCUSDT, 106, is 6.00 % above the price at which" in safety.judge(entry())
    safety.saw("BTCUSDT", T0, ask=D(101))
    assert safety.judge(entry()) is None


def test_pause_and_resume(kept: Kept):
    safety = kept.safety()
    safety.pause()
    said = [safety.judge(entry(T0 + number)) for number in range(3)]

    assert 3 * ["Entries are paused: by bt-run pause. bt-run resume allows them again."] == said
    assert ["paused"] == kept.rules
    safety.resume()
    assert safety.judge(entry()) is None


def test_a_breach_is_told_again_when_it_had_ended(kept: Kept):
    """Not at every bar; and one symbol's says nothing about another's."""
    safety = kept.safety(max_order=D(100))
    for worth, symbol in ((200, "B"), (200, "B"), (50, "E"), (200, "B"), (50, "B"), (200, "B"), (200, "E")):
        safety.judge(entry(worth=D(worth), symbol=symbol))

    assert [("max-order", "B"), ("max-order", "B"), ("max-order", "E")] == [
        (breach.rule, breach.symbol) for breach in kept.alerts
    ]


def test_a_restart_forgets_nothing(kept: Kept):
    """Latches, pause, cool-down, the day's start and the peak; and the new run has them at once."""
    safety = kept.safety(max_drawdown_pct=D(10), max_daily_loss=LossLimit(D(500)), cooldown_s=60)
    safety.mark(D(10_000), T0)
    safety.mark(D(8_000), T0)
    safety.stopped_out("BTCUSDT", T0)
    safety.pause("for lunch")
    before = safety.facts
    again = Kept()
    restarted = again.safety(facts=kept.facts, cooldown_s=60)

    assert before == restarted.facts == again.facts
    assert "for lunch" in restarted.judge(entry())
    assert ["paused", "max-drawdown", "max-daily-loss"] == [breach.rule for breach in restarted.breaches]


def test_a_first_start_has_nothing_to_remember():
    assert SafetyFacts() == SafetyFacts.of({}) == SafetyFacts.of({"safety": SafetyFacts().document()})


def test_a_rising_market_does_not_wait_for_the_disk(kept: Kept):
    """A peak is written when it is a thousandth higher; a kill costs less than that of it."""
    safety = kept.safety()
    for step in range(1000):
        safety.mark(D(10_000) + D(step) / 10, T0)

    assert D("10099.9") == safety.facts.peak
    assert 9 < len(kept.documents) < 12
    assert kept.facts.peak is not None
    assert kept.facts.peak * D("1.001") > safety.facts.peak


def test_money_that_was_added_is_no_profit(kept: Kept):
    safety = kept.safety(max_drawdown_pct=D(10))
    safety.mark(D(10_000), T0)
    safety.rebase()
    safety.mark(D(1_000), T0)

    assert () == safety.breaches
    assert D(1_000) == safety.facts.peak


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_order": D(0)},
        {"max_drawdown_pct": D(100)},
        {"max_daily_loss": LossLimit(D(100), is_percent=True)},
        {"cooldown_s": -1},
    ],
)
def test_a_limit_that_is_none(wrong: dict):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SafetyLimits(**wrong)


@pytest.mark.parametrize("text", ["", "-5", "0", "5 % of all", "many"])
def test_a_loss_that_cannot_be_read(text: str):
    with pytest.raises(ConfigError, match="is no loss"):
        LossLimit.parse(text)


AMOUNT = st.decimals(min_value=D("0.01"), max_value=D(500), places=2)
STEP = st.tuples(
    st.sampled_from(["entry", "fill", "cancel", "sell"]), AMOUNT, st.integers(min_value=0, max_value=40_000)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=40), AMOUNT, st.integers(min_value=1, max_value=5), st.data())
def test_no_sequence_of_entries_exceeds_the_limits(steps, most, rate, data):
    """Orders rest, fill in parts, are cancelled, sold; the price moves: what may be held never is more."""
    safety = Safety(SafetyLimits(max_position=most, max_orders_per_minute=rate, stale_after_s=None))
    cash, held, reserved, now = D(10_000), D(0), D(0), T0
    sent: list[int] = []
    for kind, worth, wait in steps:
        now += wait
        price = data.draw(st.decimals(min_value=D(50), max_value=D(150), places=2))
        if kind == "fill":
            part = min(worth, reserved)
            cash, reserved, held = cash - part, reserved - part, held + part / price
        elif kind == "cancel":
            reserved = D(0)
        elif kind == "sell":
            cash, held = cash + held * price, D(0)
        else:
            request = entry(
                now, price=price, worth=worth, held=held, cash=cash - reserved, equity=cash + held * price
            )
            if safety.judge(request) is None:
                reserved += worth
                sent.append(now)
                assert held * price + reserved <= most + D("1e-9")
    for number, time in enumerate(sent):
        assert sum(time - 60_000 < other <= time for other in sent[: number + 1]) <= rate

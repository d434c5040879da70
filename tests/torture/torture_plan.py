"""What is done to the bot at which bar, drawn from a seed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

CALM = 40
"""So many bars at the end, and after a start, are left in peace."""

Fault = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: how many at least in a full run, how often beyond that, and how one is drawn."""

    least: int
    weight: float
    draw: Callable[[Random], Fault]


def _asked(draw: Random) -> Fault:
    """Choose a request: mostly orders."""
    methods = ["order.place"] * 4 + ["orderList.place*", "orderList.place*", "order.cancel", "order.cancel"]
    return {
        "method": draw.choice([*methods, "order.status", "myTrades", "account.status", "openOrders.status"])
    }


def _order(draw: Random) -> Fault:
    return {"method": draw.choice(["order.place", "order.place", "orderList.place*"])}


def _known(draw: Random) -> Fault:
    """Choose an order that the exchange executes before it fails; see `_lost`."""
    return _asked(draw)


def _refusal(draw: Random) -> Fault:
    told = [
        {"code": -2010, "message": "Account has insufficient balance for requested action."},
        {"code": -1013, "message": "Filter failure: PERCENT_PRICE_BY_SIDE"},
        {"code": -2010, "message": "Stop price would trigger immediately."},
        {
            "code": -1015,
            "status": 429,
            "message": "Too many new orders; current limit is 50 orders per 10 SECOND.",
        },
        {"code": -2011, "message": "Unknown order sent.", "method": "order.cancel"},
        {"code": -2015, "status": 400, "message": "Invalid quantity.", "method": "order.place"},
        {"code": -1003, "status": 403, "message": "Forbidden."},
    ]
    return {**_order(draw), **draw.choice(told[:5])}


def _ms(draw: Random, low: int, high: int) -> float:
    return draw.randint(low, high) / 1000


KINDS: dict[str, Kind] = {
    # Requests that were executed, and whose answer does not say so.
    "server_error": Kind(14, 4, lambda draw: {"status": draw.choice([500, 502, 503, 504]), **_known(draw)}),
    "unknown_outcome": Kind(14, 4, _known),
    "late_answer": Kind(
        14, 4, lambda draw: {**_asked(draw), "delay_s": _ms(draw, 30, 600), "executed": draw.random() < 0.5}
    ),
    "lost_answer": Kind(14, 4, _known),
    "refuse_request": Kind(14, 3, _refusal),
    "bad_timestamp": Kind(14, 3, lambda draw: {**_asked(draw), "ahead": draw.random() < 0.5}),
    "too_many_requests": Kind(8, 1, lambda draw: {"method": draw.choice(["*", "order.*", "klines"])}),
    "ip_ban": Kind(5, 0.3, lambda draw: {"retry_after_s": 1, "method": draw.choice(["*", "order.*"])}),
    "refuse_handshake": Kind(5, 0.3, lambda draw: {"status": draw.choice([503, 503, 429, 429, 403])}),
    "hidden_order": Kind(8, 1, lambda draw: {"hidden_s": 1.0}),
    "fill_before_reply": Kind(14, 5, lambda draw: {**_order(draw), "hold_s": _ms(draw, 5, 80)}),
    "partial_fill_then_cancel": Kind(
        14, 5, lambda draw: {"share": draw.choice([0.2, 0.5, 0.9]), "later_s": draw.choice([0, 0.01, 0.05])}
    ),
    # Frames.
    "delay_frames": Kind(
        14,
        4,
        lambda draw: {"delay_s": _ms(draw, 20, 400), "family": draw.choice(["spot", "user", ""]), "count": 3},
    ),
    "reorder_frames": Kind(
        14, 4, lambda draw: {"delay_s": _ms(draw, 20, 300), "family": draw.choice(["spot", "user"]), "count": 3}
    ),
    "reorder_balances": Kind(8, 2, lambda draw: {"delay_s": _ms(draw, 20, 300), "count": 2}),
    "duplicate_frames": Kind(14, 4, lambda draw: {"delay_s": draw.choice([0, 0.05]), "count": 5}),
    "duplicate_report": Kind(14, 4, lambda draw: {"delay_s": draw.choice([0, 0.05]), "count": 3}),
    "lose_frames": Kind(
        12,
        2,
        lambda draw: {"stream": draw.choice(["executionReport", "*kline*", "outbound*", "listStatus", "*"])},
    ),
    "withhold_close": Kind(12, 2, lambda draw: {}),
    "cut_at_frame": Kind(6, 1, lambda draw: {"stream": draw.choice(["executionReport", "*kline*"])}),
    "silence": Kind(
        6, 1, lambda draw: {"count": 4, "lasts_s": 2.0, "path": draw.choice(["", "ws-api", "stream"])}
    ),
    # Happenings.
    "drop_sockets": Kind(
        8,
        1,
        lambda draw: {"code": draw.choice([1006, 1001, 1008]), "path": draw.choice(["", "ws-api", "stream"])},
    ),
    "server_shutdown": Kind(5, 0.5, lambda draw: {"then_s": draw.choice([None, 0.5, 1.0])}),
    "end_user_streams": Kind(8, 1, lambda draw: {}),
    "maintenance": Kind(4, 0.2, lambda draw: {"bars": draw.randint(1, 4), "refuses": draw.random() < 0.7}),
    "refuse_connections": Kind(5, 0.5, lambda draw: {"down_s": _ms(draw, 100, 800)}),
    "restart": Kind(5, 0.5, lambda draw: {"down_s": _ms(draw, 100, 800)}),
}
"""All kinds but wipe, which has a time of its own."""

TIMELESS = (
    "drop_sockets", "server_shutdown", "end_user_streams", "wipe", "maintenance", "refuse_connections",
    "restart", "silence",
)  # fmt: skip
"""Faults that need no `count`: they happen once, or last a time."""

NEVER_ARRIVES = ("server_error", "unknown_outcome", "lost_answer")
"""What may also be said of an order that the exchange never saw; finding out takes a minute."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    One thing that is done at a bar.

    `what`: ``fault``; ``kill``, after `delay_s` and once `faults` have fired; ``stop`` (SIGTERM); ``wipe``.
    `missed` bars pass while the bot is dead; `again_s`: it is killed once more so long after its start.
    """

    bar: int
    what: str
    faults: tuple[Fault, ...] = ()
    delay_s: float = 0.0
    missed: int = 0
    again_s: tuple[float, ...] = ()
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A whole run: what is done when, and how the world is.

    `protected`: the bot places stop and target for every holding. `fee_asset`: as in `Fees.pay_in` of the
    exchange; of BNB there is too little for all of it. `spread` is in ticks.
    """

    seed: int
    bars: int
    history: int
    steps: tuple[Step, ...] = field(repr=False)
    protected: bool
    kills: int
    fee_asset: str = "received"
    spread: int = 0

    @property
    def faults(self) -> Counter[str]:
        """Count the faults by kind."""
        return Counter(fault["kind"] for step in self.steps for fault in step.faults)


def make_plan(
    seed: int,
    *,
    bars: int,
    faults: int,
    kills: int,
    wipes: int = 0,
    never: int = 0,
    history: int = 300,
    kinds: Sequence[str] = tuple(KINDS),
) -> Plan:
    """
    Draw a run.

    Args:
        seed: Of everything.
        bars: How many the market has beside its first 500.
        faults: How many faults, of every kind in proportion.
        kills: How often the bot is killed.
        wipes: How often the exchange is reset.
        never: How many orders are lost on their way, each of which costs up to a minute.
        history: With how many bars the bot begins.
        kinds: Which kinds of faults, beside the wipes.
    """
    draw = Random(seed)
    steps = [Step(_bar(draw, bars), "fault", (fault,)) for fault in _faults(draw, faults - wipes, kinds)]
    killed = 0
    lost = [_lost(draw) for _ in range(never)]
    while killed < kills:
        step = _kill(draw, _bar(draw, bars), lost)
        step = step if killed + 1 + len(step.again_s) <= kills else Step(step.bar, "kill", missed=step.missed)
        killed += 1 + len(step.again_s)
        steps.append(step)
    # A reset takes minutes. Within one of the last trade it could not be told from a list that lags behind.
    steps += [
        Step(_bar(draw, bars), "wipe", ({"kind": "wipe"},), alive=bool(number % 2), missed=draw.randint(3, 8))
        for number in range(wipes)
    ]
    steps += [Step(_bar(draw, bars), "fault", (fault,)) for fault in lost]
    steps += [Step(_bar(draw, bars), "stop", missed=draw.randint(0, 5)) for _ in range(kills // 5)]
    steps.sort(key=lambda step: step.bar)
    return Plan(
        seed,
        bars,
        history,
        tuple(steps),
        protected=bool(draw.getrandbits(1)),
        kills=killed,
        fee_asset=draw.choice(["received", "received", "BNB", "quote"]),
        spread=draw.choice([0, 0, 2]),
    )


def _bar(draw: Random, bars: int) -> int:
    return draw.randint(CALM // 2, bars - CALM)


def _faults(draw: Random, count: int, kinds: Sequence[str]) -> list[Fault]:
    most = sum(KINDS[name].least for name in kinds)
    share = min(1.0, count / most)
    names = [name for name in kinds for _ in range(max(1, round(share * KINDS[name].least)))]
    weights = [KINDS[name].weight for name in kinds]
    names += draw.choices(list(kinds), weights, k=max(0, count - len(names)))
    return [_fault(draw, name) for name in names]


def _fault(draw: Random, name: str) -> Fault:
    made = {"kind": name, "seed": draw.randint(0, 9999), **KINDS[name].draw(draw)}
    if name not in TIMELESS:
        made.setdefault("count", 1)
    return made


def _lost(draw: Random) -> Fault:
    return {"kind": draw.choice(NEVER_ARRIVES), "count": 1, "executed": False, **_order(draw)}


def _kill(draw: Random, bar: int, lost: list[Fault]) -> Step:
    """Draw a kill: at any instant, in the middle of a request, in the middle of a start."""
    kind = draw.random()
    missed = draw.choice([0, 0, 1, 2, draw.randint(3, 40), draw.randint(3, 150)])
    if kind < 0.35:
        return Step(bar, "kill", delay_s=draw.uniform(0, 0.1), missed=missed)
    if kind < 0.55:
        again = tuple(draw.uniform(0.3, 2.5) for _ in range(draw.randint(1, 2)))
        return Step(bar, "kill", delay_s=draw.uniform(0, 0.05), missed=missed, again_s=again)
    fault: Fault = {**_order(draw), "count": 1, "executed": draw.random() < 0.7}
    if kind < 0.9:
        fault |= {"kind": "late_answer", "delay_s": _ms(draw, 100, 500)}
        return Step(bar, "kill", (fault,), draw.uniform(0, 0.4), missed)
    fault |= {"kind": draw.choice(NEVER_ARRIVES)}
    return Step(bar, "kill", (fault,), draw.uniform(0, 0.2), max(3, missed))

"""Plays a plan: lets faults happen, kills the bot, starts it again, and keeps what the judge needs."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture_market import MINUTE_MS, START_MS, write_market
from torture_parts import POLL_S, Bot, ExchangeProcess, Stuck, wait_for
from torture_plan import CALM, Plan, Step
from torture_power import fail_power

from bt_run.cli.main import TERMINATED
from bt_run.journal.queries import JournalReader

BEFORE = 500
"""Bars of the market before the clock begins."""

STUCK_S = 150.0
PACE_S = 0.03
"""So often is looked how far the clock is; each look costs the exchange a millisecond."""

SETTLE_S = 45.0
MEET_S, QUIET_S = 10.0, 0.2
SLOW_BARS, SLOW_S = 4, 10.0
REFUSED = 5
"""How bt-run ends where the exchange could not be asked."""

MOST_REFUSED = 200
STOPPED = (0, REFUSED, TERMINATED, -signal.SIGTERM)
"""How it ends where it is asked to; the last three while it starts."""

STOP_S = 12.0
"""It promises 5 s, of a machine that has time."""


@dataclass(slots=True)
class Played:
    """What came of a run: the truth at the end of each life of the exchange, and where everything lies."""

    folder: Path
    plan: Plan
    states: list[dict[str, Any]] = field(default_factory=list)
    wiped_at: list[int] = field(default_factory=list)
    bars: dict[int, list[float]] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    hurries: int = 0
    lost: set[str] = field(default_factory=set)
    """Ids that a power failure took from the journal."""
    took_s: float = 0.0


class Conductor:
    """Plays one plan in a folder."""

    def __init__(self, plan: Plan, folder: Path, *, say: Any = print) -> None:
        self.plan = plan
        self.folder = folder
        self.played = Played(folder, plan)
        self._say = say
        self._moved = (0, time.monotonic())
        self._paced = (0, time.monotonic())
        self._began = time.monotonic()

    def play(self) -> Played:
        """Play it to the end. Raises Stuck, with the seed, where it does not come to one."""
        data = self.folder / "market.csv"
        total = BEFORE + self.plan.bars
        write_market(data, total, self.plan.seed)
        plan = self.plan
        world = {"seed": plan.seed, "fee_asset": plan.fee_asset, "spread": plan.spread}
        with ExchangeProcess(self.folder, data, **world) as self.exchange:
            self.bot = Bot(
                self.folder, self.exchange,
                seed=self.plan.seed, protected=self.plan.protected, history=self.plan.history,
            )  # fmt: skip
            self.bot.start()
            try:
                self._play()
                self.played.fired = self.exchange.ask("/practice/faults")["fired"]
                self.played.states.append(self.exchange.ask("/practice/state"))
                self.played.bars = self.exchange.bars(START_MS, START_MS + total * MINUTE_MS)
            except Stuck as stuck:
                self.bot.end(signal.SIGABRT)
                raise Stuck(f"seed {self.plan.seed}: {stuck}\n{self.bot.tail(60)}") from stuck
            finally:
                self.bot.close()
        self.played.took_s = time.monotonic() - self._began
        return self.played

    def _play(self) -> None:
        steps = list(self.plan.steps)
        last = self.plan.bars - CALM // 2
        while steps:
            at = self._bar()
            while steps and steps[0].bar <= at:
                self._do(steps.pop(0))
            if self._is_slow(at):
                self._hurry(at)
            time.sleep(PACE_S)
            if at >= last:
                break
        wait_for("calm", lambda: self._bar() >= last, 600)
        self.exchange.clear()
        wait_for("the end of the data", self._ended, 600)

    def _is_slow(self, at: int) -> bool:
        """Tell whether the bot has been looking for an order for so long that little else is tried."""
        now = time.monotonic()
        if at - self._paced[0] >= SLOW_BARS:
            self._paced = (at, now)
        if now - self._paced[1] <= SLOW_S:
            return False
        if self.bot.has_traded():
            return True
        self._paced = (at, now)  # it still starts: on a machine that is busy that takes as long
        return False

    def _hurry(self, at: int) -> None:
        """Kill the bot once more: after three minutes of the exchange's time, a start finds out at once."""
        self.played.hurries += 1
        self._kill(Step(at, "kill", missed=3))

    def _ended(self) -> bool:
        self._bar()
        code = self.bot.exit_code()
        if code is not None and code != 0:
            self._start_again(code)
        return code == 0

    def _bar(self) -> int:
        """Give the number of bars that have closed; sees that the bot lives and the clock moves."""
        status = self.exchange.ask("/practice/status")
        now = status["now"]
        code = self.bot.exit_code()
        if code is not None and not status["ended"]:
            self._start_again(code)
        if now != self._moved[0]:
            self._moved = (now, time.monotonic())
        elif time.monotonic() - self._moved[1] > STUCK_S:
            raise Stuck(f"the clock has not moved for {STUCK_S:g} s, held by {status['held_by']}")
        return (now - START_MS) // MINUTE_MS - BEFORE

    def _start_again(self, code: int) -> None:
        """Do as a service manager does: where a start met a fault, start again; what traded must not end."""
        if code != REFUSED or self.bot.has_traded() or self.bot.refused_starts >= MOST_REFUSED:
            raise Stuck(f"the bot ended with {code}:\n{self.bot.tail()}")
        time.sleep(0.5)
        self.bot.refused_starts += 1
        self.bot.start()

    # Steps.

    def _do(self, step: Step) -> None:
        if step.what == "fault":
            self.exchange.tell("faults", list(step.faults))
        elif step.what == "kill":
            self._kill(step)
        elif step.what == "stop":
            self._stop(step)
        elif step.what == "wipe":
            self._wipe(step)

    def _kill(self, step: Step) -> None:
        for fault in step.faults:
            number = self.exchange.tell("faults", fault)["added"][0]["id"]
            self._wait_fired(number)
        time.sleep(step.delay_s)
        self._die()
        self._miss(step.missed)
        self.bot.start()
        for pause_s in step.again_s:
            time.sleep(pause_s)
            self._die()
            self.bot.start()
        self._moved = (0, time.monotonic())
        self._paced = (self._paced[0], time.monotonic())

    def _stop(self, step: Step) -> None:
        """Ask the bot to end, and start it again."""
        began = time.monotonic()
        code = self.bot.end(signal.SIGTERM)
        took_s = time.monotonic() - began
        if code not in STOPPED or took_s > STOP_S:
            raise Stuck(f"SIGTERM ended the bot with {code} after {took_s:.1f} s")
        self._miss(step.missed)
        self.bot.start()
        self._moved = (0, time.monotonic())

    def _wait_fired(self, number: int) -> None:
        """Wait until a fault has begun to happen, or for some seconds where it does not."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            told = self.exchange.ask("/practice/faults")
            if all(active["id"] != number for active in told["active"]):
                return
            time.sleep(POLL_S)

    def _die(self) -> None:
        """Kill the bot; every second time the power of its machine fails too."""
        self.bot.kill()
        self.played.kills += 1
        if self.played.kills % 2:
            self.played.lost |= fail_power(self.folder / "journal.sqlite")

    def _miss(self, bars: int) -> None:
        """Let bars pass without the bot."""
        if bars:
            self.exchange.tell("step", {"bars": bars})

    def _wipe(self, step: Step) -> None:
        """Reset the exchange, under the bot that lives or while it is dead; its first life is over then."""
        self.exchange.clear()
        self.exchange.tell("pause")
        state = self._last_state(step)
        self.played.states.append(state)
        self.played.wiped_at.append(state["now"])
        self.exchange.tell("faults", list(step.faults))
        self.exchange.tell("resume")
        if step.alive:
            at = self._bar()
            wait_for("bars after the reset", lambda: self._bar() >= at + 10, 60)
            self.bot.kill()  # without the power: what is bought before the next start is not the books'
            self.played.kills += 1
        self._miss(step.missed)
        self.bot.start()
        self._moved = (0, time.monotonic())

    def _last_state(self, step: Step) -> dict[str, Any]:
        """
        Give the truth of a life that is over, of which the journal knows all.

        A request that was under way as the bot died is known to nobody: the bot is started again to find out.
        """
        while True:
            self._settle()
            if not step.alive:
                self._die()
            state: dict[str, Any] = self.exchange.ask("/practice/state")
            if self._agrees(state):
                return state
            if not step.alive:
                self.bot.start()

    def _settle(self) -> None:
        """
        Wait until the journal has heard of all that the exchange has.

        The clock stands, but a bot that is slower than the exchange still has its last bar before it, and what
        it orders then must not arrive after the reset. It writes a bar down before the orders that wait for the
        end of a turn leave, a moment later.
        """
        until = time.monotonic() + MEET_S
        while not self._has_met_the_last_bar() and time.monotonic() < until:
            self._revive()
            time.sleep(POLL_S)
        time.sleep(QUIET_S)
        wait_for("the journal to agree before the reset", self._lives_and_agrees, SETTLE_S)

    def _lives_and_agrees(self) -> bool:
        self._revive()
        return self._agrees()

    def _revive(self) -> None:
        """Start the bot again where a fault before the clock stood ended its start."""
        code = self.bot.exit_code()
        if code is not None:
            self._start_again(code)

    def _has_met_the_last_bar(self) -> bool:
        last = self.exchange.ask("/practice/status")["now"] // MINUTE_MS * MINUTE_MS - MINUTE_MS
        with JournalReader(self.bot.journal) as journal:
            runs = journal.runs()
            return bool(runs and journal.bars(runs[-1].run, since=last))

    def _agrees(self, state: dict[str, Any] | None = None) -> bool:
        """Tell whether the journal has the exchange's fills and standing orders, none of them in doubt."""
        told = state or self.exchange.ask("/practice/state")
        with JournalReader(self.bot.journal) as journal:
            known = {fill.trade_id for fill in journal.fills()}
            standing = journal.open_orders()
        working = {
            order["clientOrderId"]
            for order in told["orders"]
            if order["status"] in ("NEW", "PARTIALLY_FILLED", "PENDING_NEW")
        }
        doubtful = any(order.state in ("NEW", "SENT", "UNKNOWN") for order in standing)
        open_ids = {order.client_id for order in standing}
        return not doubtful and {fill["id"] for fill in told["fills"]} <= known and open_ids == working

"""Alert rules of the journal, and the newest messages: what `bt-run alerts` does, for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, Field

from bt_run.core.clock import iso_utc
from bt_run.run.alerting.rules import DEFAULT_COOLDOWN_S, AlertRule, AlertRules
from bt_run.web.api.market import SYMBOL

if TYPE_CHECKING:
    from bt_run.journal.alert_tables import AlertTables
    from bt_run.journal.records import AlertRecord
    from bt_run.run.desk.rule_keeper import RuleKeeper

__all__ = ["router"]

router = APIRouter(tags=["alerts"])

_YEAR_S = 31_536_000
_MOST_LETTERS = 500

Number = Annotated[int, Path(ge=1, le=2_147_483_647)]
Text = Annotated[str, Field(min_length=1, max_length=_MOST_LETTERS)]
Symbol = Annotated[str, Field(pattern=SYMBOL)]
Interval = Annotated[str, Field(min_length=1, max_length=4)]
Cooldown = Annotated[int, Field(ge=0, le=_YEAR_S)]


class Rule(BaseModel):
    """A rule: when it holds at the close of a bar and did not before, a message is sent."""

    number: int
    text: str
    symbol: str
    interval: str
    cooldown_s: int
    on: bool


class NewRule(BaseModel):
    """A rule to keep; its interval may stand in its text, and is 1m where nobody says."""

    text: Text
    symbol: Symbol
    interval: Interval | None = None
    cooldown_s: Cooldown = DEFAULT_COOLDOWN_S


class RuleChange(BaseModel):
    """What shall be different of a rule; what is left out stays."""

    text: Text | None = None
    symbol: Symbol | None = None
    interval: Interval | None = None
    cooldown_s: Cooldown | None = None
    on: bool | None = None


class Delivery(BaseModel):
    """What became of a message at one target; its name has no secret."""

    target: str
    state: str
    attempts: int
    reason: str


class Message(BaseModel):
    """A message that was made, of a rule (its number, else 0) or of what a bot did."""

    id: int
    time: str
    kind: str
    symbol: str
    title: str
    text: str
    rule: int
    deliveries: list[Delivery]


class Watch(BaseModel):
    """Whether the desk watches the rules; `trouble` says why it cannot, empty where nothing is wrong."""

    watching: bool
    trouble: str


@router.get("/alerts")
def rules(request: Request) -> list[Rule]:
    """List the rules, oldest first."""
    tables = _tables(request)
    return [] if tables is None else [_told(rule) for rule in AlertRules(tables).all()]


@router.post("/alerts")
def add(request: Request, rule: Annotated[NewRule, Body()]) -> Rule:
    """Keep a rule, switched on. Of one that cannot be read, the answer has in `at` where the trouble begins."""
    kept = _rules(request).add(
        rule.text, symbol=rule.symbol, interval=rule.interval, cooldown_s=rule.cooldown_s
    )
    return _told(kept)


@router.patch("/alerts/{number}")
def change(request: Request, number: Number, wish: Annotated[RuleChange, Body()]) -> Rule:
    """Change a rule, or switch it on or off."""
    kept, parts = _rules(request), wish.model_dump(exclude={"on"}, exclude_none=True)
    changed = kept.change(number, **parts) if parts else kept.find(number)
    return _told(changed if wish.on is None else kept.switch(number, is_on=wish.on))


@router.delete("/alerts/{number}")
def remove(request: Request, number: Number) -> Rule:
    """Forget a rule, and give it as it was; its messages stay in the log."""
    return _told(_rules(request).remove(number))


@router.get("/alerts/watch")
def watch(request: Request) -> Watch:
    """Tell whether this desk watches the rules itself; a bot on the same journal may watch them too."""
    keeper: RuleKeeper | None = request.app.state.desk.keeper
    if keeper is None:
        return Watch(watching=False, trouble="")
    return Watch(watching=keeper.is_watching, trouble=keeper.trouble)


@router.get("/alerts/log")
def log(request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> list[Message]:
    """List the newest messages, the newest first, with what became of each."""
    tables = _tables(request)
    found: dict[int, Message] = {}
    for record, way in [] if tables is None else tables.newest(limit):
        message = found.setdefault(record.id, _message(record))
        message.deliveries.append(
            Delivery(target=way.target, state=way.state, attempts=way.attempts, reason=way.reason)
        )
    return list(reversed(found.values()))


def _tables(request: Request) -> AlertTables | None:
    state: Any = request.app.state
    found: AlertTables | None = state.alert_tables.find(state.desk.journal)
    return found


def _rules(request: Request) -> AlertRules:
    state: Any = request.app.state
    return AlertRules(state.alert_tables.open(state.desk.journal))


def _told(rule: AlertRule) -> Rule:
    return Rule(
        number=rule.number,
        text=rule.text,
        symbol=rule.symbol,
        interval=rule.interval,
        cooldown_s=rule.cooldown_s,
        on=rule.is_on,
    )


def _message(record: AlertRecord) -> Message:
    return Message(
        id=record.id,
        time=iso_utc(record.time_ms),
        kind=record.kind,
        symbol=record.symbol,
        title=record.title,
        text=record.body,
        rule=record.rule,
        deliveries=[],
    )

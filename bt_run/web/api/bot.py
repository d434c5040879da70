"""Bots: what the journal holds of their runs, and four words for the one that runs."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError, NoAnswer
from bt_run.core.passwords import hide_password
from bt_run.run.report.stored import stored_result
from bt_run.run.verbs import is_running, tell_bot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.journal.queries import JournalReader
    from bt_run.journal.records import FillRecord, OrderRecord

__all__ = ["router"]

router = APIRouter(tags=["bot"])

_PANIC = "PANIC"
_COLUMNS = (
    "time", "symbol", "side", "type", "quantity", "price", "stop_price", "state", "filled", "average",
    "purpose", "reason", "client_id",
)  # fmt: skip

RunNumber = Annotated[int, Path(ge=1, le=2_147_483_647)]


class Run(BaseModel):
    """A run of a bot; `ended` is null while it runs, or where it was killed."""

    run: int
    strategy: str
    symbol: str
    interval: str
    venue: str
    mode: str
    started: str
    ended: str | None
    outcome: str


class Runs(BaseModel):
    """The runs of the journal, newest first; whether a bot has it now; `missing`: none has made it yet."""

    journal: str
    running: bool
    missing: bool = False
    runs: list[Run]


class Order(BaseModel):
    """An order with what was executed of it; amounts are exact decimals as text, times ISO 8601 UTC and ms."""

    time: str
    time_ms: int
    symbol: str
    side: str
    type: str
    quantity: str | None
    price: str | None
    stop_price: str | None
    state: str
    filled: str
    average: str | None
    filled_ms: int | None
    purpose: str
    reason: str
    client_id: str


class Curve(BaseModel):
    """The account of a run at the close of its bars: open times in ms, values in quote asset, metrics."""

    run: int
    label: str
    times: list[int]
    equity: list[float]
    metrics: dict[str, float | int | None]


class Word(BaseModel):
    """For which symbol, and the word that must be typed for a panic."""

    symbol: str | None = Field(default=None, pattern=r"^[A-Z0-9]{2,30}$")
    confirm: str = Field(default="", max_length=10)


@router.get("/runs")
def runs(request: Request) -> Runs:
    """List the runs of the journal that the desk was given."""
    journal = request.app.state.desk.journal
    if not journal:
        return Runs(journal="", running=False, runs=[])
    if _is_missing(journal):
        return Runs(journal=journal, running=False, missing=True, runs=[])
    with _reading(request) as reader:
        found = [
            Run(
                run=item.run,
                strategy=item.strategy,
                symbol=item.symbol,
                interval=item.interval,
                venue=item.venue,
                mode=item.mode,
                started=iso_utc(item.started_ms),
                ended=None if item.ended_ms is None else iso_utc(item.ended_ms),
                outcome=item.outcome,
            )
            for item in reversed(reader.runs())
        ]
    return Runs(journal=journal, running=is_running(journal), runs=found[:200])


@router.get("/runs/{run}/orders")
def orders(request: Request, run: RunNumber, limit: Annotated[int, Query(ge=1, le=5000)] = 500) -> list[Order]:
    """List the newest orders of a run, the newest first, with what was executed of each."""
    with _reading(request) as reader:
        return _orders(reader, run)[:limit]


@router.get("/runs/{run}/orders.csv")
def orders_csv(request: Request, run: RunNumber) -> PlainTextResponse:
    """Give all orders of a run as CSV."""
    with _reading(request) as reader:
        rows = _orders(reader, run)
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump() for row in rows)
    headers = {"content-disposition": f'attachment; filename="orders-{run}.csv"'}
    return PlainTextResponse(text.getvalue(), media_type="text/csv", headers=headers)


@router.get("/runs/{run}/equity")
def equity(request: Request, run: RunNumber) -> Curve:
    """Give the account of a run, with those that it went on from, and its metrics."""
    with _reading(request) as reader:
        result = stored_result(reader, reader.run(run))
    return Curve(
        run=run,
        label=f"{run}: {result.label} on {result.data.title}",
        times=result.data.bars.open_time.tolist(),
        equity=result.curve.equity.tolist(),
        metrics=dict(result.metrics),
    )


@router.post("/bot/{word}")
def tell(
    request: Request, word: Literal["pause", "resume", "stop", "panic"], told: Annotated[Word, Body()]
) -> dict[str, Any]:
    """
    Tell the bot that runs to pause, resume, stop or panic, and wait for its answer.

    A panic cancels all orders and sells what is held, at once; it needs ``"confirm": "PANIC"``.
    """
    journal = request.app.state.desk.journal
    if not journal:
        raise ConfigError("The desk was started without a journal. Give --journal.")
    if word == "panic" and told.confirm != _PANIC:
        raise ConfigError(f"A panic cancels all orders and sells what is held. Type {_PANIC} to confirm.")
    if not is_running(journal):
        raise ConfigError(
            f"No bot runs on {hide_password(journal)}. bt-run {word} works from the journal alone."
        )
    try:
        return {"answers": list(tell_bot(journal, word, symbol=told.symbol))}
    except NoAnswer as error:
        raise ConfigError(str(error)) from error


def _is_missing(journal: str) -> bool:
    from bt_run.journal.database import Place  # noqa: PLC0415

    file = Place.parse(journal).file
    return file is not None and not file.is_file()


@contextmanager
def _reading(request: Request) -> Iterator[JournalReader]:
    from bt_run.journal.queries import JournalReader  # noqa: PLC0415  # only where a journal is shown

    journal = request.app.state.desk.journal
    if not journal:
        raise ConfigError("The desk was started without a journal. Give --journal.")
    with JournalReader(journal) as reader:
        yield reader


def _orders(reader: JournalReader, run: int) -> list[Order]:
    reader.run(run)
    fills: dict[str, list[FillRecord]] = {}
    for fill in reader.fills(run=run):
        fills.setdefault(fill.client_id, []).append(fill)
    return [_order(order, fills.get(order.client_id, [])) for order in reversed(reader.orders(run=run))]


def _order(order: OrderRecord, fills: list[FillRecord]) -> Order:
    filled = sum((fill.quantity for fill in fills), start=fills[0].quantity * 0) if fills else None
    worth = sum((fill.quantity * fill.price for fill in fills), start=fills[0].price * 0) if fills else None
    average = None if not filled or worth is None else worth / filled
    return Order(
        time=iso_utc(order.created_ms),
        time_ms=order.created_ms,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        quantity=_text(order.quantity),
        price=_text(order.price),
        stop_price=_text(order.stop_price),
        state=order.state,
        filled=_text(filled) or "0",
        average=None if average is None else f"{average:.8f}".rstrip("0").rstrip("."),
        filled_ms=max((fill.time_ms for fill in fills), default=None),
        purpose=order.purpose,
        reason=order.reason,
        client_id=order.client_id,
    )


def _text(amount: Any) -> str | None:
    return None if amount is None else f"{amount:f}"

"""Orders by hand in a real browser: checked, confirmed, sent once; rows, marks and balances follow."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
from contextlib import suppress
from decimal import Decimal

import pytest

from bt_run.core.errors import BtRunError
from bt_run.journal.queries import JournalReader

POLL_S = 0.1

LIVE = "live -s macd --venue practice --data btc_1d.csv --quiet --speed 86400".split()

TWO_CLICKS = """() => {
  const send = document.getElementById("order-send");
  send.click();
  send.disabled = false;
  send.click();
}"""
NAMELESS = """[...document.querySelectorAll("#trading input, #trading select")]
  .filter((field) => !field.labels.length && !field.ariaLabel).map((field) => field.name)"""


def until(read, *, limit_s=30.0):
    """Read until something is there; the page's policy forbids scripts in text, so it cannot wait by itself."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = read()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError("it did not come in time")


@pytest.fixture
def page(account, tab, server):
    """Open the desk with its trading panel, and wait for bars and balances."""
    tab.page.goto(f"{server.url}/?token={server.token}")
    until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))
    tab.page.click("#trading > summary")
    until(lambda: "USDT" in tab.page.inner_text("#balances"))
    return tab.page


def balance(page, asset):
    """Read what is free of an asset off the page."""
    rows = page.evaluate("btrun.trading.balances.map(({ asset, free }) => [asset, free])")
    return Decimal(dict(rows).get(asset, "0"))


def ask(page, *, kind="market", side="BUY", unit="quote_quantity", amount="100", **prices):
    """Fill in the form and let it be checked."""
    page.select_option("#order-form [name=kind]", kind)
    page.check(f"#order-form [name=side][value={side}]", force=True)
    page.select_option("#order-form [name=unit]", unit)
    page.fill("#order-form [name=amount]", amount)
    for name, price in prices.items():
        page.fill(f"#order-form [name={name}]", price)
    page.click("#order-check")
    until(lambda: page.is_visible("#order-dialog"))


def send(page):
    """Say yes, and wait until the dialog is gone: the answer has come then."""
    page.click("#order-send")
    until(lambda: not page.is_visible("#order-dialog"))


def rows(page):
    """Read the orders that the page knows."""
    return page.evaluate("btrun.trading.orders")


def test_an_order_is_confirmed_and_becomes_row_mark_and_money(page, account):
    """What would be sent is shown first; the rest comes without a reload."""
    before = balance(page, "USDT")
    ask(page)
    draft = page.inner_text("#order-dialog")
    assert "for 100 USDT, at market" in draft
    assert "fee about" in draft
    assert [] == [row for row in account.orders() if row.whose == "hand"]
    send(page)
    (row,) = until(lambda: [row for row in rows(page) if row["state"] == "FILLED"])
    mark = until(lambda: page.evaluate("btrun.chart.marksBy.get('hand')[0]"))

    assert row["client_id"] == mark["id"] == account.orders()[0].client_id
    assert mark["text"] == f"bought {row['filled']} at {row['average']}"
    assert page.locator(f"#orders-history tr[data-id='{row['client_id']}']").count() == 1
    assert "filled" in page.inner_text("#trading-answer")
    until(lambda: before - balance(page, "USDT") > 99)


def test_a_double_click_is_one_order(page, account):
    """Two clicks in the same moment, on the same word."""
    ask(page)
    page.evaluate(TWO_CLICKS)
    until(lambda: not page.is_visible("#order-dialog"))
    ask(page, amount="110")
    page.dblclick("#order-send")
    until(lambda: not page.is_visible("#order-dialog"))
    until(lambda: len(rows(page)) >= 2)

    amounts = sorted(row.quote_quantity for row in account.orders() if row.whose == "hand")
    assert ["100", "110"] == amounts


def test_an_open_order_is_cancelled_by_keyboard(page, account):
    """From the row of the table; the money that it held is free again."""
    last = Decimal(str(page.evaluate("btrun.bars.last[4]")))
    before = balance(page, "USDT")
    ask(page, kind="limit", unit="quantity", amount="0.0123456", price=f"{last / 2:.2f}")
    assert "0.01234 BTC, at" in page.inner_text("#order-draft")
    page.press("#order-send", "Enter")
    until(lambda: page.locator("#orders-open button").count() == 1)
    until(lambda: balance(page, "USDT") < before)
    page.press("#orders-open button", "Enter")
    until(lambda: page.locator("#orders-open button").count() == 0)

    until(lambda: balance(page, "USDT") == before)
    until(lambda: rows(page)[0]["state"] == "CANCELED")
    until(lambda: "Cancelled" in page.inner_text("#trading-answer"))


def test_what_would_be_refused_cannot_be_sent(page, account):
    """The dialog says why, every reason."""
    ask(page, amount="0.5")

    assert "NOTIONAL" in page.inner_text("#order-problems")
    assert page.is_disabled("#order-send")
    page.keyboard.press("Escape")
    until(lambda: not page.is_visible("#order-dialog"))
    assert [] == account.orders()


@pytest.mark.slow
def test_the_history_is_searched_and_downloaded(page, account):
    """By side and state; the CSV holds the same rows."""
    ask(page)
    send(page)
    page.select_option("#orders-search [name=state]", "FILLED")
    page.click("#orders-search button:not([type=reset])")
    until(lambda: page.evaluate("btrun.trading.found?.length"))
    with page.expect_download() as begun:
        page.click("#orders-csv")
    text = begun.value.path().read_text(encoding="utf-8")
    told = list(csv.DictReader(text.splitlines()))

    assert page.evaluate("btrun.trading.found.map((row) => row.client_id)") == [
        row["client_id"] for row in told
    ]
    assert {"FILLED"} == {row["state"] for row in told}
    page.select_option("#orders-search [name=side]", "SELL")
    page.click("#orders-search button:not([type=reset])")
    until(lambda: page.evaluate("btrun.trading.found?.length === 0"))


def test_without_a_key_the_panel_says_how_to_get_one(tab, server, desk):
    """In a sentence; there is no form."""
    desk.trading_off = "There is no API key for the venue 'testnet': make one."
    tab.page.goto(f"{server.url}/?token={server.token}")
    until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))
    tab.page.click("#trading > summary")

    until(lambda: "make one" in tab.page.inner_text("#trading-off"))
    assert not tab.page.is_visible("#order-form")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_used_on_a_phone(page, account, theme):
    """Nothing is cut off at the side, and the dialog fits; every field has a name."""
    page.set_viewport_size({"width": 390, "height": 844})
    if theme == "light":
        page.click("#theme")
    ask(page, kind="oco", side="SELL", unit="percent", amount="10", price="1", stop_price="1")
    width = page.evaluate("document.querySelector('aside').scrollWidth")
    box = page.locator("#order-dialog").bounding_box()

    assert width <= 390
    assert 0 <= box["x"]
    assert box["x"] + box["width"] <= 390
    assert [] == page.evaluate(NAMELESS)
    page.click("#order-leave")


def has_run(journal):
    """Whether a bot has begun to write a run."""
    with suppress(BtRunError), JournalReader(journal) as reader:
        return bool(reader.runs())
    return False


@pytest.mark.slow
def test_panic_must_be_typed_and_ends_the_bot(page, desk, server, tmp_path):
    """Beside the trading panel, for a bot on the desk's journal: the page says that none runs any more."""
    journal = tmp_path / "bot.sqlite"
    command = [sys.executable, "-m", "bt_run", *LIVE, "--journal", str(journal)]
    with subprocess.Popen(command, cwd=tmp_path) as bot:
        try:
            until(lambda: has_run(journal), limit_s=60)
            desk.journal = str(journal)
            page.goto(server.url)
            until(lambda: page.is_visible("#bot"), limit_s=60)
            page.evaluate("document.getElementById('bot').open = true")
            until(lambda: page.inner_text("#bot-state") == "a bot runs", limit_s=60)
            page.click("#bot [data-word=panic]")
            page.fill("#bot-typed", "PANIC")
            page.click("#bot-confirm button[value=yes]")
            bot.wait(90)
        finally:
            if bot.poll() is None:
                bot.kill()
    until(lambda: page.inner_text("#bot-state") == "no bot runs")

    assert page.inner_text("#bot-answer")

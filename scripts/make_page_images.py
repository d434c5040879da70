"""
Make the pictures of pages in docs/images: the report, and the web desk on a practice exchange, in Chromium.

It needs the test tools and Debian's chromium. As in make_docs_images.py colours are reduced to 256.
"""

from __future__ import annotations

import asyncio
import io
import secrets
import shutil
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from bt_run.cli.main import cli
from bt_run.core.atomic import replacing
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.run.live.practice import EmbeddedPractice
from bt_run.web.access import Access
from bt_run.web.app import make_app
from bt_run.web.serve import bind, hosts_of
from bt_run.web.state import Desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_LIMIT_S = 30.0


def main() -> int:
    """Draw both pages and write them into the docs."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        _report(page)
        with _served_desk() as url:
            _desk(page, url)
        browser.close()
    return 0


def _report(page: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        words = f"backtest --strategy sar --data btc_1d.csv --stop-loss 8 --quiet --report {path}"
        cli.main(words.split(), standalone_mode=False)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        page.evaluate("btrun.showTrade(100)")
        page.evaluate("document.getElementById('price').scrollIntoView()")
        page.wait_for_selector("#price-chart svg.main-svg", state="attached")
        page.wait_for_timeout(1500)
        _save(page, "report.png")


def _desk(page: Any, url: str) -> None:
    page.goto(url)
    _until(lambda: page.evaluate("window.btrun?.bars.times.length ?? 0"))
    for search, name in (("bollinger", "BBANDS"), ("relative strength", "RSI")):
        page.fill("#indicator-search", search)
        page.click(f"#indicator-list button[data-name='{name}']")
    page.click("#strategy summary")
    page.select_option("#strategy-name", "sar")
    page.click("#strategy-run")
    page.wait_for_selector("#strategy-numbers dd")
    page.evaluate("document.getElementById('strategy').scrollIntoView()")
    page.wait_for_timeout(1500)
    _save(page, "web.png")


def _until(read: Callable[[], Any]) -> None:
    end = time.monotonic() + _LIMIT_S
    while not read():
        if time.monotonic() > end:
            raise TimeoutError("the page did not fill")
        time.sleep(0.1)


@contextmanager
def _served_desk() -> Iterator[str]:
    """Serve a desk on a practice exchange that stands still, so that the picture is the same each time."""
    token = secrets.token_urlsafe(32)
    with EmbeddedPractice(PracticePlan((MarketRequest("btc_1d.csv", at="2021-06-01"),), step=True)) as exchange:
        note = "practice exchange · synthetic data"
        desk = Desk(exchange.venue, Access(token), note, ("BTCUSDT",), "1d")
        desk.market.start()
        with bind("127.0.0.1", 0) as listening:
            port = listening.getsockname()[1]
            app = make_app(desk, hosts=hosts_of("127.0.0.1", port))
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="websockets-sansio"))
            thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])))
            thread.start()
            _until(lambda: server.started)
            yield f"http://127.0.0.1:{port}/?token={token}"
            server.should_exit = True
            thread.join()
        desk.market.stop()


def _save(page: Any, name: str) -> None:
    drawn = io.BytesIO(page.screenshot())
    with Image.open(drawn) as image, replacing(TARGET / name) as temporary:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(temporary, optimize=True)
    print(f"Wrote {TARGET / name}")


if __name__ == "__main__":
    sys.exit(main())

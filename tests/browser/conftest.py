"""A headless Chromium, as Debian packages it; its console and its requests are written down."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import pytest

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and os.environ.get("BT_RUN_TEST_BROWSER") == "needed":
        pytest.fail("chromium is needed here and not installed")
    if found is None:
        pytest.skip("NOT TESTED: no Chromium here. Install it (apt-get install chromium), then run this again.")
    return found


@pytest.fixture(scope="module")
def chromium():
    """
    Start one browser for the tests of a module.

    Not for longer: while it lives, Playwright has an event loop in this thread, and asyncio.run() of any other
    test would be refused.
    """
    path = _chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(request, chromium):
    """
    Open a page; `told` has what its console said and what it raised, `asked` the addresses it asked for.

    A test that does not look at `told` fails all the same when the page complained. So the page is closed
    before its server ends: it would complain that nobody answers.
    """
    if "server" in request.fixturenames:
        request.getfixturevalue("server")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: told.append(f"raised: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    yield SimpleNamespace(page=page, told=told, asked=asked, context=context)
    context.close()
    assert [] == [line for line in told if line.startswith(("error", "warning", "raised"))]

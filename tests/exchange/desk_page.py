"""The page of the web desk in a browser: opened, waited for, and its market moved on."""

from __future__ import annotations

import time

import requests

from bt_run.journal.alert_tables import AlertTables

__all__ = ["make_journal", "open_page", "step", "until"]

POLL_S = 0.1


def until(read, *, limit_s=20.0):
    """Read until something is there; the page's policy forbids scripts in text, so it cannot wait by itself."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = read()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError("it did not come in time")


def open_page(tab, server):
    """Open the desk and wait for its bars."""
    tab.page.goto(f"{server.url}/?token={server.token}")
    until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))
    return tab.page


def make_journal(desk, folder):
    """Give the desk an empty journal."""
    desk.journal = str(folder / "bot.sqlite")
    AlertTables(desk.journal).close()


def step(desk):
    """Let the market's clock go on by a bar."""
    requests.post(f"{desk.venue.rest_url}/practice/step", json={"bars": 1}, timeout=10).raise_for_status()

"""The page at ``/``: what this is, and how to reach it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bt_run.core.clock import iso_utc
from bt_run.practice.identity import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["front_page"]

_STYLE = "body{font:16px/1.5 system-ui,sans-serif;margin:2em;max-width:46em}h1{color:#b00}code{background:#eee}"


def front_page(*, symbols: Iterable[str], now: int, rest_url: str, stream_url: str, ws_api_url: str) -> str:
    """Write the page as HTML; `now` is the exchange's time in ms."""
    rows = {
        "symbols": ", ".join(symbols),
        "exchange time": iso_utc(now),
        "REST": rest_url,
        "streams": stream_url,
        "WebSocket API": ws_api_url,
    }
    cells = "".join(
        f"<tr><th align=left>{name}&nbsp;</th><td><code>{escape(value)}</code></td></tr>"
        for name, value in rows.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{NAME}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{NAME}</h1>"
        "<p>This is <strong>not Binance</strong>. It replays recorded bars on this machine; "
        "nothing here is worth money, and nothing leaves this machine.</p>"
        f"<table>{cells}</table></body></html>"
    )

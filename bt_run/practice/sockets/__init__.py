"""The practice exchange's WebSockets: market streams of spot and USD-M futures, and the WebSocket API."""

from __future__ import annotations

from bt_run.practice.sockets.policy import FUTURES, SPOT, WS_API, SocketPolicies, SocketPolicy
from bt_run.practice.sockets.service import SOCKETS, Sockets, routes

__all__ = ["FUTURES", "SOCKETS", "SPOT", "WS_API", "SocketPolicies", "SocketPolicy", "Sockets", "routes"]

"""Clients of the web desk that are let in or not, and its stream."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from websockets.sync.client import connect


@pytest.fixture
def stranger(server):
    """Give a client that has not been let in and follows no redirect."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as found:
        yield found


@pytest.fixture
def client(server):
    """Give a client that has been let in; its CSRF token is in `csrf`."""
    with httpx.Client(base_url=server.url, trust_env=False, follow_redirects=True, timeout=60) as found:
        found.get(f"/?token={server.token}")
        found.csrf = found.get("/api/v1/page").json()["csrf"]
        yield found


@contextmanager
def _stream(client, *, origin=None):
    """Open the stream as the page does: `say` and `hear` objects."""
    url = f"ws://{client.base_url.host}:{client.base_url.port}/api/v1/stream"
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"cookie": cookie} if cookie else {}
    own = f"http://{client.base_url.host}:{client.base_url.port}"
    with connect(url, additional_headers=headers, origin=origin or own, proxy=None) as socket:
        yield SimpleNamespace(
            say=lambda message: socket.send(json.dumps(message)),
            hear=lambda: json.loads(socket.recv(timeout=20)),
        )


@pytest.fixture
def stream():
    """Give an opener of streams."""
    return _stream

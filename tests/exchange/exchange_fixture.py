"""The fixtures `exchange` and `streams`: a pytest plugin for every folder of tests (tests/conftest.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from exchange_server import LoopbackExchange
    from exchange_streams import StreamServer


@pytest.fixture
def exchange() -> Iterator[LoopbackExchange]:
    """Give an empty exchange on 127.0.0.1; its time stands at 2026-01-01T12:00Z until the test moves it."""
    # Only tests that ask for an exchange shall pay for the import of its web server.
    from exchange_server import LoopbackExchange

    with LoopbackExchange() as running:
        yield running


@pytest.fixture
def streams() -> Iterator[StreamServer]:
    """Give market streams on 127.0.0.1 that send what the test tells them to."""
    from exchange_streams import StreamServer

    with StreamServer() as running:
        yield running

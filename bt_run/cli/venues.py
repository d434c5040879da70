"""Venues by name, for every command: Binance's own, the practice exchange, and those of the settings file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bt_run.core.venue import Venue

__all__ = ["venue_named"]


def venue_named(name: str) -> Venue:
    """Find a venue; the tables ``[venues.NAME]`` of the settings file add some. Raises ConfigError."""
    from bt_run.core.venue import find_venue

    settings = click.get_current_context().find_root().obj["file"]
    return find_venue(name, more=settings.venues)

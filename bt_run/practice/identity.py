"""What makes the practice exchange impossible to mistake for the real thing: its name, in every answer."""

from __future__ import annotations

__all__ = ["HEADER", "NAME", "USER_ID"]

NAME = "bt-run practice exchange"
"""Stands in every page, log line and response header."""

HEADER = "X-Practice-Exchange"
"""The response header whose value is `NAME`."""

USER_ID = 999_000_001
"""The `uid` of the one account."""

"""How the exchange says no: Binance's code, its words and the HTTP status."""

from __future__ import annotations

from typing import Any

__all__ = ["Refusal"]


class Refusal(Exception):
    """
    A request is refused; REST answers ``{"code": code, "msg": reason}``, the WebSocket API the same in `error`.

    `status` is the HTTP status, `data` what Binance adds to the body (cancelReplace), `retry_after` whole
    seconds for 429 and 418. Codes and words: errors.md of binance-spot-api-docs, read 2026-07-21.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        *,
        status: int = 400,
        data: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.code = code
        self.reason = reason
        self.status = status
        self.data = data
        self.retry_after = retry_after
        super().__init__(code, reason)

    def __str__(self) -> str:
        return f"{self.code} {self.reason}"

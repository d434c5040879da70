"""Real money is refused unless it is asked for twice: by an option, and by a person or the account's number."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.core.venue import Venue
    from bt_run.run.live.plan import LivePlan

__all__ = ["UNATTENDED", "agree_to_real_money", "allow_real_money", "check_account", "is_real", "stakes"]

UNATTENDED = "BT_RUN_REAL_MONEY"
"""The variable that allows it where nobody can be asked; it holds the account's uid."""

_TOYS = frozenset({"testnet.binance.vision", "demo-api.binance.com", "localhost", "127.0.0.1", "::1"})


def is_real(venue: Venue) -> bool:
    """Tell whether orders of a venue move real money: all do but the known testnets and this machine's own."""
    return urlsplit(venue.rest_url).hostname not in _TOYS


def stakes(plan: LivePlan) -> list[str]:
    """Say in lines what a run may do with real money."""
    guard, limits = plan.protection, plan.limits
    quote = "in quote asset"

    def limit(name: str, value: object, unit: str = "") -> str:
        return f"  {name}: {'NO LIMIT' if value is None else f'{value}{unit}'}"

    return [
        f"REAL MONEY on {plan.venue.name} ({urlsplit(plan.venue.rest_url).hostname})",
        f"  strategy: {plan.strategy.name}",
        f"  symbols: {' '.join(plan.symbols)} {plan.interval}",
        f"  stake of an entry: {plan.stake}",
        limit(f"cash it may use, {quote}", plan.cash),
        limit("stop-loss", guard.stop_loss_pct or guard.trailing_stop_pct, " %"),
        limit(f"largest order, {quote}", limits.max_order),
        limit(f"largest position, {quote}", limits.max_position),
        limit("largest loss of a day", limits.max_daily_loss),
        limit("largest drawdown", limits.max_drawdown_pct, " %"),
    ]


def allow_real_money(
    plan: LivePlan,
    *,
    is_wanted: bool,
    environ: Mapping[str, str],
    ask: Callable[[list[str], str], str] | None,
) -> str | None:
    """
    Let a run with real money pass, or refuse it.

    Args:
        plan: The run.
        is_wanted: Whether ``--real-money`` was given.
        environ: The environment.
        ask: Shows lines and a question, and gives the answer; None where nobody is there.

    Returns:
        The uid that the account must have, None where a person has agreed or no real money is at stake.

    Raises:
        ConfigError: it was not asked for, not agreed to, or nobody is there to ask.
    """
    if plan.mode != "live":
        return None
    return agree_to_real_money(
        plan.venue,
        is_wanted=is_wanted,
        environ=environ,
        ask=ask,
        lines=stakes(plan),
        word=" ".join(plan.symbols),
        instead="Try the run with --venue testnet or --paper first",
    )


def agree_to_real_money(
    venue: Venue,
    *,
    is_wanted: bool,
    environ: Mapping[str, str],
    ask: Callable[[list[str], str], str] | None,
    lines: list[str],
    word: str,
    instead: str,
) -> str | None:
    """
    Let real money pass where it was asked for twice, or refuse it.

    Args:
        venue: Where.
        is_wanted, environ, ask: As `allow_real_money`.
        lines: What may be done with it, for the person who is asked.
        word: What that person must type.
        instead: What to try first, the begin of a sentence.

    Returns, raises: as `allow_real_money`.
    """
    if not is_real(venue):
        return None
    if not is_wanted:
        raise ConfigError(f"{venue.name} trades real money. {instead}; then add --real-money.")
    uid = environ.get(UNATTENDED, "").strip()
    if uid:
        return uid
    if ask is None:
        raise ConfigError(
            f"Real money needs a person who agrees, and nobody is at the terminal. "
            f"Unattended, set {UNATTENDED} to the uid of the account."
        )
    if ask(lines, f"Type {word} to trade it with real money").strip().upper() != word.upper():
        raise ConfigError("Not agreed to; nothing was sent.")
    return None


def check_account(expected: str, uid: int | None) -> None:
    """Check that the key is of the account that was named. Raises ConfigError."""
    if str(uid) != expected:
        raise ConfigError(
            f"{UNATTENDED} names the account {expected}, and the key is of account {uid}. Nothing was sent."
        )

"""Trading on the practice exchange: matching, the account, filters and order lists."""

from bt_run.practice.trading.answers import Amended, Amendment, CancelReplaced, CancelReplaceRefused
from bt_run.practice.trading.trading import Trading

__all__ = ["Amended", "Amendment", "CancelReplaceRefused", "CancelReplaced", "Trading"]

"""How much of a result is luck: tests of a Sharpe ratio, of a search, and of the order of what happened."""

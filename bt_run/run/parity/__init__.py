"""A live run against a backtest of the bars that it saw."""

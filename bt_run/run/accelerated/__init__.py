"""Any Backtrader strategy on one feed, bar by bar, without what Backtrader does for nobody."""

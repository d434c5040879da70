"""Strategies: each a page, from bars to signals."""

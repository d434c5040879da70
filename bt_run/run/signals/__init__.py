"""Watching a market and telling a person: signals, what they would be worth, and how they did before."""

"""Alerts of a run: what happens is told to a thread of its own, which makes messages, keeps and sends them."""

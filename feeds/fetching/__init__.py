"""Asking the exchange: pages, limits, retries, and the plan of a download."""

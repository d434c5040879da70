"""Alerts: what is worth a message, the rules a person writes, and the services that carry it."""

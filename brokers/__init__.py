"""Brokers: where orders become fills, simulated or real."""

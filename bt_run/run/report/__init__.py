"""Gather what a report tells beyond one run: other costs, chance, where it comes from."""

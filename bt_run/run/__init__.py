"""Put the parts together: load, run, compare; own the life cycle of a run."""

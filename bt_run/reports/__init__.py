"""Turn results into numbers, tables and pictures."""

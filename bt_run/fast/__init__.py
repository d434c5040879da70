"""Engines for arrays: the same numbers as Backtrader, at the speed of the machine."""

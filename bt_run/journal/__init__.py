"""The journal of live runs: what was wanted, sent, filled and seen, kept so that a start can go on from it."""

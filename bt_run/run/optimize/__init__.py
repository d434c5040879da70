"""Search the parameters of a strategy: over grids, at random, with Optuna; here or on a cluster."""

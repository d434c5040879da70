"""Check a strategy before money is put on it: look-ahead, warm-up, determinism, parameters, engines."""

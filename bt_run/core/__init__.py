"""Plain data, money, time and errors: what every other room may use and nothing else may change."""

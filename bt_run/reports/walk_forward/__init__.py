"""What a walk-forward analysis found, as data, table, picture and file."""

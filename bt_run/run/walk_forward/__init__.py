"""Walk-forward analysis: choose parameters on a window, trade them on the next, and go on."""

"""Look at what a live run needs, and say what to mend."""

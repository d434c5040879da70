"""The web desk: shows and asks; never decides."""

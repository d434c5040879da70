"""Tables of bars in files: their formats, columns, times and cells."""

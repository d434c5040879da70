"""Recordings of streams: lines, files, gaps, and bars made of them."""

"""
Keep memory that was freed, for the next array of the same size.

The C library of Linux gives large arrays back to the system as soon as they are freed, and takes new pages
for the next ones, which the system clears. A sweep frees and takes the same arrays thousands of times; without
this, most of its time would go there (``docs/design/optimisation.md``).
"""

from __future__ import annotations

import ctypes

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt(3), glibc's malloc.h
_LARGEST_KEPT = 32 * 1024 * 1024  # glibc takes no more
_MOST_KEPT = 256 * 1024 * 1024


def keep_freed_memory() -> None:
    """
    Let this process keep up to 256 MiB of freed memory, until it ends.

    Does nothing where the C library has no such knob (macOS, musl).
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
        set_option(_TRIM_THRESHOLD, _MOST_KEPT)

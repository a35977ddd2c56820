"""Memory that is freed goes back to the system, so that one step does not pay for what another has used."""

import ctypes

_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
_LARGE_BYTES = 4 * 2**20


def give_back_large_blocks() -> None:
    """Have the C library return blocks of 4 MB and more as soon as they are freed; nothing where it is not glibc.

    Left alone, glibc keeps blocks of up to 32 MB once one of that size was freed, and whatever small lies between
    them holds them for good: partitions evaluated one after the other came to hold 600 MB that nobody used.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except AttributeError:
        return
    set_option(_MMAP_THRESHOLD, _LARGE_BYTES)

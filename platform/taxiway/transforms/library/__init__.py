"""Building blocks for transforms: clocks, windows, latest values, buckets, typing of delivered text.

They know nothing of any project, and mean the same on every engine, to the bit.
"""

"""Unpacking delivered files."""

import gzip
import zlib

import pyarrow as pa

from taxiway.errors import DeliveryRefused

_STARTS = {"gzip": b"\x1f\x8b", "zstd": b"(\xb5/\xfd"}


def unpacked(name: str, data: bytes, packer: str) -> bytes:
    """What a file holds that is packed with gzip or zstd, or with nothing (empty); raises DeliveryRefused, with what to
    do, where it is not packed so, or not to its end."""
    if not packer:
        return data
    if not data.startswith(_STARTS[packer]):
        raise DeliveryRefused(f"{name} is not packed with {packer}, as its name says: pack it, or name it as it is")
    try:
        if packer == "gzip":
            return gzip.decompress(data)
        with pa.input_stream(pa.py_buffer(data), compression=packer) as stream:
            return stream.read()
    except (EOFError, gzip.BadGzipFile, zlib.error, OSError) as error:
        raise DeliveryRefused(f"{name} cannot be unpacked, it is cut or damaged ({error}): deliver it again") from error

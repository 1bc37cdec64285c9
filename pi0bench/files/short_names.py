"""Names of files and folders that are made of what was measured, however long that is."""

from __future__ import annotations

import zlib

_MOST = 120


def short_name(name: str) -> str:
    """A name without slashes and short enough; of what is cut off a checksum is left."""
    flat = name.replace("/", "_")
    return flat if len(flat) <= _MOST else f"{flat[:_MOST]}-{zlib.crc32(flat.encode()):08x}"

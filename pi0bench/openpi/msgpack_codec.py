"""Messages of openpi: msgpack with NumPy arrays, and nothing in them that could run.

An array is a map of bytes: `__ndarray__`, `data` in C order, `dtype` such as "<f4", `shape`; a
NumPy number is one with `__npgeneric__`. Only numbers and truth values are read, never objects.
"""

from __future__ import annotations

import math
from typing import Any

import msgpack
import numpy as np

_KINDS = "biuf"
_MAX_AXES = 4


class MalformedError(ValueError):
    """A message that is none of openpi's."""


def pack(message: Any) -> bytes:
    """Write a message.

    Raises:
        TypeError: something in it is no text, number, array, list or map.
    """
    data: Any = msgpack.packb(message, default=_plain)
    return data


def unpack(data: bytes) -> Any:
    """Read a message; its arrays are read-only.

    Raises:
        MalformedError: it is no message, or holds something else than numbers and text.
    """
    try:
        return msgpack.unpackb(data, object_hook=_array, strict_map_key=False)
    except MalformedError:
        raise
    except Exception as error:  # msgpack raises many kinds, down to RecursionError
        raise MalformedError(f"no message of msgpack: {type(error).__name__}: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        return {
            b"__ndarray__": True,
            b"data": value.tobytes(),
            b"dtype": value.dtype.str,
            b"shape": list(value.shape),
        }
    if isinstance(value, np.generic) and value.dtype.kind in _KINDS:
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _array(found: dict[Any, Any]) -> Any:
    if b"__npgeneric__" in found:
        number = found.get(b"data")
        if not isinstance(number, int | float):
            raise MalformedError("a number's data is no number")
        return _dtype(found).type(number)
    if b"__ndarray__" not in found:
        return found
    dtype, shape, data = _dtype(found), found.get(b"shape"), found.get(b"data")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise MalformedError(f"an array's shape is {shape!r}")
    if len(shape) > _MAX_AXES:
        raise MalformedError(f"an array has {len(shape)} axes, and {_MAX_AXES} are the most")
    if not isinstance(data, bytes) or math.prod(shape) * dtype.itemsize != len(data):
        raise MalformedError(f"an array of {dtype} {tuple(shape)} has other data than that")
    return np.frombuffer(data, dtype).reshape(shape)


def _dtype(found: dict[Any, Any]) -> np.dtype[Any]:
    name = found.get(b"dtype")
    try:
        dtype = np.dtype(name) if isinstance(name, str) and len(name) <= 3 else None
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in _KINDS:
        raise MalformedError(f"an array's dtype is {name!r}")
    return dtype

"""Files of named arrays and what they say of themselves; no pickles, and never half a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.files.atomic import replacing

Arrays = dict[str, NDArray[Any]]


def write(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> Path:
    """Write all at once; `about` must be JSON.

    Raises:
        TypeError: an array holds Python objects, which would be pickled.
    """
    objects = [key for key, array in arrays.items() if array.dtype.hasobject]
    if objects:
        raise TypeError(f"{path}: {', '.join(objects)}: arrays of objects are not stored")
    own: dict[str, Any] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **{**own, **arrays})
    return path


def read(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """The arrays of a file, and what it says of itself."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(arrays.pop("about").tobytes())


def joined(parts: Sequence[Arrays]) -> Arrays:
    """The rows of all parts, one after the other."""
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

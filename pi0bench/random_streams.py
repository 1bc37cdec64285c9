"""Random streams: everything random in pi0bench is drawn from one of these, by name and number."""

from __future__ import annotations

import zlib

import numpy as np

_STREAMS = {
    "evaluation": 0,
    "demonstration": 1,
    "scene": 2,
    "noise": 3,
    "disturbance": 4,
    "variation": 5,
    "probe": 6,
    "shard": 7,
    "verification": 8,
    "development": 9,
    "gymnasium": 10,
    "object order": 11,
}


def stream(kind: str, seed: int, *where: str | int) -> np.random.Generator:
    """The generator of one stream, seed and place, such as a task's id and an episode's number.

    Streams of different kinds never meet, whatever the numbers: the kind is the first word of
    the spawn key.
    """
    key = [zlib.crc32(w.encode()) if isinstance(w, str) else w for w in where]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAMS[kind], *key)))

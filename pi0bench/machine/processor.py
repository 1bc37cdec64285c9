"""Which processor this is, and what it can do."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# By what torch, oneDNN and OpenBLAS ask for before they use such kernels, greatest first.
_LEVELS: Mapping[str, frozenset[str]] = {
    "avx512": frozenset({"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "fma"}),
    "avx2": frozenset({"avx2", "fma"}),
    "x86-64": frozenset({"sse2"}),
}


@cache
def described() -> Mapping[str, str]:
    """The first processor as Linux describes it; empty where the system tells nothing."""
    known = Path("/proc/cpuinfo")
    if not known.exists():
        return {}
    found: dict[str, str] = {}
    with known.open() as lines:
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:  # an empty line: the next processor
                break
            found[name.strip()] = value.strip()
    return found


def name() -> str:
    """Its name, where the system tells it, else its architecture."""
    return described().get("model name") or platform.machine()


def model() -> str:
    """Vendor, family, model and stepping: two processors of one name may differ in these."""
    parts = (described().get(p, "") for p in ("vendor_id", "cpu family", "model", "stepping"))
    return " ".join(filter(None, parts)) or "unknown"


def level() -> str:
    """The greatest instruction set that numerical libraries would use, or the architecture."""
    flags = set(described().get("flags", "").split())
    return next((n for n, wanted in _LEVELS.items() if wanted <= flags), platform.machine())


def has_avx2() -> bool:
    """Whether it can compute what is published."""
    return level() in ("avx512", "avx2")

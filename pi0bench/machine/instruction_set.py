"""The instruction set by which everything is measured: the same bits on every x86-64 with AVX2.

Numerical libraries choose their kernels by the processor that they meet, and other kernels sum in
another order. They ask once, when they are loaded, so nothing here may load one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from pi0bench.errors import MachineError
from pi0bench.machine.processor import has_avx2

_ONE_THREAD: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_AVX2: Mapping[str, str] = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # its convolutions
    "ONEDNN_DEFAULT_FPMATH_MODE": "STRICT",
    # Its matrix products; every other mode gives other digits on Intel's processors than on AMD's.
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "",
    "OPENBLAS_CORETYPE": "Haswell",  # those of numpy and scipy
    "NPY_ENABLE_CPU_FEATURES": "",  # numpy refuses to have both
    "GLIBC_TUNABLES": "",  # the C library's sine, with or without FMA
}
_READERS = ("numpy", "scipy", "torch")


@cache
def environment() -> Mapping[str, str]:
    """The variables of every process that measures; an empty one counts as unset."""
    if not has_avx2():
        return _ONE_THREAD
    return {**_ONE_THREAD, **_AVX2, "NPY_DISABLE_CPU_FEATURES": _beyond_avx2()}


def _beyond_avx2() -> str:
    """What numpy must not use, by the names of its version, which warns of all others."""
    try:
        major, minor = version("numpy").split(".")[:2]
    except PackageNotFoundError:
        return ""
    if (int(major), int(minor)) >= (2, 4):
        return "X86_V4 AVX512_ICL AVX512_SPR"
    return (
        "AVX512F AVX512CD AVX512_KNL AVX512_KNM AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL "
        "AVX512_SPR"
    )


def instructions() -> str:
    """The instruction set that processes are pinned to; `none` on a processor without it."""
    return "avx2" if has_avx2() else "none"


def pin() -> bool:
    """Pin this process; False when it is too late, since a library has asked already."""
    wrong = {name for name, value in environment().items() if os.environ.get(name, "") != value}
    # The C library asks first of all.
    if "GLIBC_TUNABLES" in wrong or (wrong and any(name in sys.modules for name in _READERS)):
        return False
    os.environ.update(environment())
    return True


def pin_or_begin_again() -> None:
    """Pin this program; where it is too late for that, run its command line again, pinned."""
    if not pin():
        command = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **environment()})


def must_be_pinned(what: str) -> None:
    """Pin this process, or see that it is.

    Raises:
        MachineError: it is too late.
    """
    if not pin():
        loaded = ", ".join(name for name in _READERS if name in sys.modules)
        raise MachineError(
            f"{what}: {loaded or 'the C library'} was loaded before its instruction set was "
            "pinned, so numbers would depend on this processor; call "
            f"{__name__}.pin() first, or give the command to a shell"
        )


@contextmanager
def pinned() -> Iterator[None]:
    """Let the processes that are started meanwhile be pinned."""
    before = {name: os.environ.get(name) for name in environment()}
    os.environ.update(environment())
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

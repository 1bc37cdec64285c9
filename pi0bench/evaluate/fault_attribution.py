"""Whose fault an error is: the machine's, or that of whoever raised it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

from pi0bench.policy.policy_protocol import PolicyLostError

_MAX_TEXT = 300

_LACKS = frozenset(
    (
        *(errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN),
        *(errno.EIO, errno.EROFS, errno.ESTALE, errno.ENOLCK, errno.ENOBUFS, errno.ETIMEDOUT),
        *(errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH),
    )
)
"""What the operating system says when memory, disk, descriptors, processes or network give out."""

_NAMES = ("OutOfMemoryError", "ResourceExhaustedError")
"""What torch and TensorFlow raise; by name, so that neither need be loaded."""

# Libraries in C++, and a policy's server, say the same in the words of these numbers, or in words
# of their own: torch's, NumPy's and JAX's allocators, Python's threads, and what a GPU reports.
_WORDS = re.compile(
    "|".join(
        (
            *(re.escape(os.strerror(number)) for number in sorted(_LACKS)),
            r"(can't|[Cc]annot|[Cc]ould not|[Uu]nable to|[Ff]ailed to) allocate (memory|[0-9])",
            r"[Nn]ot enough memory: you tried to allocate",
            r"[Oo]ut of memory (while )?(trying to )?allocat|^out of memory$",
            r"std::bad_alloc|^[\w.]*MemoryError\b",
            r"RESOURCE_EXHAUSTED",
            r"can't start new thread",
            r"(CUDA|HIP|MPS|XPU|GPU)\b.{0,20}\bout of memory",
            r"(CUDA|HIP|XPU|NCCL)( driver)? error",
            r"(CUDA|CUBLAS|CUDNN|CUSOLVER|CUSPARSE|CUFFT|HIPBLAS|MIOPEN)_STATUS_"
            r"(ALLOC_FAILED|NOT_INITIALIZED|INTERNAL_ERROR|EXECUTION_FAILED)",
            r"CUDA (unknown error|driver initialization failed)",
            r"No (CUDA|HIP) GPUs are available",
            r"Found no NVIDIA driver",
        )
    )
)

_OWN = re.compile(
    r"device-side assert|invalid (argument|configuration|device ordinal)"
    r"|_STATUS_(INVALID_VALUE|BAD_PARAM|NOT_SUPPORTED)"
)
"""What a GPU reports and its program is to blame for, such as an index out of range."""


def of_machine(error: BaseException) -> bool:
    """True when this machine, or the way to a policy's server, is to blame and not who raised it.

    Memory, disk, descriptors, threads, network or a GPU gave out: here, or in one of the errors
    that it came from (`raise … from`, or while another was handled).
    """
    return any(map(_lack, _with_causes(error)))


def describe(error: BaseException) -> str:
    """Name the error and its first line; the same fault gives the same words in every process."""
    text = str(error).strip().splitlines()
    words = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return re.sub(r"0x[0-9a-fA-F]+", "0x…", words)[:_MAX_TEXT]


def _lack(error: BaseException) -> bool:
    if isinstance(error, MemoryError | ConnectionError | PolicyLostError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _LACKS
    if type(error).__name__ in _NAMES:
        return True
    text = str(error)
    return bool(_WORDS.search(text)) and not _OWN.search(text)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
        came_from = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        waiting += [came_from] if came_from else []

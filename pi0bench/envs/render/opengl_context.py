"""Contexts of OpenGL: EGL, or OSMesa where there is no EGL; no window, no screen."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from pi0bench.errors import MachineError

MAX_SIDE = 640
"""Pixels."""


class Context:
    """An offscreen OpenGL context. It works in the process that made it: none survives a fork.

    Raises:
        MachineError: this machine has no OpenGL, or this process was forked from one that used it.
    """

    def __init__(self) -> None:
        self._home = _home()
        self._must_be_here()
        _load_triton()
        self._gl = _first_that_works()

    @property
    def here(self) -> bool:
        """True in the process that made it."""
        return self._home == os.getpid()

    def make_current(self) -> None:
        """Let this thread draw with it.

        Raises:
            MachineError: this process was forked from the one that made it.
        """
        self._must_be_here()
        self._gl.make_current()

    def free(self) -> None:
        """Free its memory; what a fork has copied is only forgotten."""
        if not self.here:
            self._gl._context = None  # otherwise it complains
        self._gl.free()

    def _must_be_here(self) -> None:
        if not self.here:  # it would wait for threads that a fork leaves behind, for ever
            raise MachineError(
                "OpenGL does not survive a fork, and the process that this one was forked from has "
                'drawn with it: start it by "spawn" (make_vec(..., vector_kwargs={"context": '
                '"spawn"})), or draw with renderer="tiny".'
            )


@cache
def _home() -> int:
    """The process in which OpenGL was first used; what is forked from it inherits the answer."""
    return os.getpid()


def _load_triton() -> None:
    """Load triton, where torch brings it, before Mesa loads its LLVM.

    The other way round triton's own LLVM crashes the process, at the first use of torch.compile.
    """
    with suppress(ImportError):
        import_module("triton")


def _first_that_works() -> Any:
    """A current offscreen OpenGL context; MUJOCO_GL, when set, names the only kind tried."""
    asked = os.environ.get("MUJOCO_GL", "").lower()
    platform = os.environ.get("PYOPENGL_PLATFORM")
    problems = []
    for kind in (asked,) if asked in ("egl", "osmesa") else ("egl", "osmesa"):
        try:
            made = import_module(f"mujoco.{kind}").GLContext
            made._context = None  # otherwise one that fails half-made complains when it is freed
            context = made(MAX_SIDE, MAX_SIDE)
            context.make_current()
        except Exception as error:
            problems.append(f"{kind}: {(str(error) or repr(error)).splitlines()[0]}")
            _forget(kind, platform)
        else:
            os.environ["MUJOCO_GL"] = kind  # MuJoCo looks up OpenGL's functions where this says
            return context
    raise MachineError(f"This machine has no OpenGL ({'; '.join(problems)}).")


def _forget(kind: str, platform: str | None) -> None:
    """Undo the import of a kind that failed: PyOpenGL serves the first platform it is told of."""
    for name in [n for n in sys.modules if n.split(".")[0] == "OpenGL" or f"mujoco.{kind}" in n]:
        del sys.modules[name]
    os.environ.pop("PYOPENGL_PLATFORM", None)
    if platform is not None:
        os.environ["PYOPENGL_PLATFORM"] = platform

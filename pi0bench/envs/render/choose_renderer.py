"""Which renderers there are, and which one a machine can use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pi0bench.envs.episode_protocol import OWN
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.errors import MachineError, UsageError, unknown

NAMES = ("gl", "tiny")


def make(name: str) -> Renderer:
    """The renderer `gl` (OpenGL through MuJoCo) or `tiny` (PyBullet's, on the CPU alone).

    Raises:
        UsageError: no renderer has that name.
        MachineError: this machine has no OpenGL.
    """
    if name == "tiny":
        from pi0bench.envs.render.tiny_renderer import TinyRenderer

        return TinyRenderer()
    if name == "gl":
        from pi0bench.envs.render.opengl_renderer import GlRenderer

        return GlRenderer()
    raise UsageError(unknown("renderer", name, (*NAMES, "auto")))


def driver(name: str) -> str:
    """The OpenGL by which a renderer draws; empty for one that needs none.

    Raises:
        MachineError: this machine has no OpenGL.
    """
    if name != "gl":
        return ""
    from pi0bench.envs.render.opengl_renderer import GlRenderer

    renderer = GlRenderer()
    try:
        return renderer.driver()
    finally:
        renderer.close()


@contextmanager
def made(names: Sequence[str]) -> Iterator[list[Renderer | None]]:
    """Several renderers for a while; None where a world draws by itself.

    Raises:
        MachineError: this machine has no OpenGL.
    """
    renderers = [None if name == OWN else make(name) for name in names]
    try:
        yield renderers
    finally:
        for renderer in renderers:
            if renderer is not None:
                renderer.close()


def choose(name: str, engine: str) -> tuple[str, str]:
    """Resolve `auto` for an engine, (renderer, one line that says why when it is a makeshift).

    `auto` takes each engine's own renderer: `gl` for mujoco where the machine has OpenGL, else
    `tiny`.
    """
    if name != "auto":
        make(name).close()
        return name, ""
    if engine == "pybullet":
        return "tiny", ""
    try:
        make("gl").close()
    except MachineError as error:
        return "tiny", f"{error} Drawing with tiny instead."
    return "gl", ""

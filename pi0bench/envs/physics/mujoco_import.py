"""MuJoCo's bindings, whatever MUJOCO_GL says, and without the log file that warnings would leave.

MuJoCo refuses to be imported when MUJOCO_GL names an OpenGL that the machine lacks, though
physics needs none; `pi0bench.envs.render.opengl_context` reads the variable on its own.
"""

from __future__ import annotations

import os

_asked = os.environ.get("MUJOCO_GL")
if _asked is not None:
    os.environ["MUJOCO_GL"] = "off"
try:
    import mujoco
finally:
    if _asked is not None:
        os.environ["MUJOCO_GL"] = _asked

mujoco.set_mju_user_warning(lambda message: None)  # each world reads its own warnings

__all__ = ["mujoco"]

"""Mesa's LLVM and triton's live in one process, in whatever order they are used."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from pi0bench.envs.render.choose_renderer import make
from pi0bench.errors import MachineError

CODE = """
from pi0bench.envs.render.choose_renderer import make
make("gl").close()
import triton
print("both")
"""


def test_who_has_drawn_can_still_compile() -> None:
    if find_spec("triton") is None:
        pytest.skip("this torch brings no triton")
    try:
        make("gl").close()
    except MachineError as error:
        pytest.skip(str(error))
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "both\n"
